package layout

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// randomRoot returns a plan of n files in directories. Each directory also has a symbolic link
// and a node. Files have sizes up to most, and some have two or three names.
func randomRoot(rng *rand.Rand, n int, most int64) []*plan.Entry {
	entries := []*plan.Entry{{Path: "/", Mode: plan.TypeDir | 0o755, Nlink: 2}}
	var ino uint32
	add := func(e *plan.Entry) {
		ino++
		if e.Ino == 0 {
			e.Ino = ino
		}
		entries = append(entries, e)
	}
	for i := range n {
		dir := fmt.Sprintf("/d%04d", i/20)
		if i%20 == 0 {
			add(&plan.Entry{Path: dir, Mode: plan.TypeDir | 0o755, Nlink: 2})
			add(&plan.Entry{Path: dir + "/fifo", Mode: plan.TypeFIFO | 0o600, Nlink: 1})
			add(&plan.Entry{Path: dir + "/link", Mode: plan.TypeLink | 0o777, Nlink: 1, Target: "fifo"})
		}
		e := &plan.Entry{Path: fmt.Sprintf("%s/%d", dir, i), Mode: plan.TypeFile | 0o644, Nlink: 1, Size: rng.Int64N(most)}
		if rng.IntN(10) == 0 { // names that lie apart in the order of the plan
			e.Nlink = uint32(2 + rng.IntN(2))
			e.Ino = ino + 1
			for name := range e.Nlink - 1 {
				again := *e
				again.Path = fmt.Sprintf("/e%04d.%d", i, name)
				entries = append(entries, &again)
			}
		}
		add(e)
	}
	slices.SortFunc(entries, func(a, b *plan.Entry) int { return strings.Compare(a.Path, b.Path) })
	firsts := map[uint32]*plan.Entry{}
	for _, e := range entries {
		if e.IsFile() && firsts[e.Ino] != nil {
			e.First = firsts[e.Ino]
		}
		firsts[e.Ino] = cmp.Or(firsts[e.Ino], e)
	}
	return entries
}

func TestCut(t *testing.T) {
	for seed := range uint64(40) {
		rng := rand.New(rand.NewPCG(seed, 0))
		size := int64(1) << (12 + seed%8)
		entries := randomRoot(rng, 1+rng.IntN(1000), 1+rng.Int64N(4*size))
		members := cut(itemsOf(entries), size)
		t.Run(fmt.Sprintf("%d entries, %d members of %d", len(entries), len(members), size), func(t *testing.T) {
			checkMembers(t, entries, members, size)
		})
	}
}

func checkMembers(t *testing.T, entries []*plan.Entry, members []Member, size int64) {
	in := map[*plan.Entry]int{} // members by entry
	var whole int64 = cpio.TrailerSize
	for i, m := range members {
		written := map[uint32]bool{}
		var want int64 = cpio.TrailerSize
		for _, it := range m.Items {
			e := it.Entry
			if before, again := in[e]; again {
				t.Errorf("%s is in members %d and %d", e.Path, before, i)
			}
			in[e] = i
			body := it.Entry.Size
			if e.IsLink() {
				body = int64(len(e.Target))
			}
			if e.IsFile() && written[e.Ino] {
				body = 0
			}
			written[e.Ino] = true
			want += cpio.EntrySize(it.Name, body)
		}
		if m.Size != want {
			t.Errorf("size of member %d: got %d, want %d", i, m.Size, want)
		}
		whole += want - cpio.TrailerSize
	}

	nodes := 0
	first := map[uint32]int{}
	for _, e := range entries {
		at, ok := in[e]
		if !ok {
			t.Errorf("%s is in no member", e.Path)
		}
		if !e.IsFile() {
			nodes++
			if at != 0 {
				t.Errorf("%s is in member %d, want it in the first", e.Path, at)
			}
			continue
		}
		if before, again := first[e.Ino]; again && before != at {
			t.Errorf("%s is in member %d, another name of its file in %d", e.Path, at, before)
		}
		first[e.Ino] = at
	}
	if whole <= 2*size {
		if len(members) != 1 {
			t.Errorf("got %d members for an archive of %d bytes, want 1", len(members), whole)
		}
		return
	}
	if got := len(members[0].Items); got != nodes {
		t.Errorf("the first member holds %d entries, want the %d that are no files", got, nodes)
	}
	for i, m := range members[1:] {
		i++
		if m.Size > 2*size && !slices.ContainsFunc(m.Items[1:], func(it Item) bool { return it.Entry.Ino != m.Items[0].Entry.Ino }) {
			continue // one large file
		}
		if m.Size > 2*size {
			t.Errorf("member %d has %d bytes and %d entries, want %d bytes at most", i, m.Size, len(m.Items), 2*size)
		}
		// Only a large file leaves less than size beside it.
		beside := members[i-1].Items[len(members[i-1].Items)-1].Entry.Size
		if i+1 < len(members) {
			beside = max(beside, members[i+1].Items[0].Entry.Size)
		}
		if m.Size < size && m.Size+beside < size && len(members) > 2 {
			t.Errorf("member %d has %d bytes, and a file beside it %d, want %d at least", i, m.Size, beside, size)
		}
	}
	checkOrder(t, members)
}

// checkOrder checks that parents come before their contents, and that files keep the plan's
// order, except for hard links.
func checkOrder(t *testing.T, members []Member) {
	have := map[string]bool{"": true}
	last := ""
	for _, m := range members {
		for i, it := range m.Items {
			e := it.Entry
			parent := e.Path[:strings.LastIndex(e.Path, "/")]
			if !have[parent] {
				t.Errorf("%s comes before its directory", e.Path)
			}
			have[e.Path] = e.IsDir()
			if !e.IsFile() || i > 0 && e.Ino == m.Items[i-1].Entry.Ino {
				continue
			}
			if e.Path < last {
				t.Errorf("%s comes behind %s", e.Path, last)
			}
			last = e.Path
		}
	}
}

// TestCutIsStable checks that changing, adding or removing a file changes few members: at most
// worst, and mean on average. So differences between images are small, and most members come
// from the cache.
func TestCutIsStable(t *testing.T) {
	testenv.Sequential(t)
	const size, worst, mean = 64 << 10, 3, 1.6
	root := randomRoot(rand.New(rand.NewPCG(1, 0)), 3000, 8<<10)
	digests := func(entries []*plan.Entry) []string {
		var all []string
		for _, m := range cut(itemsOf(entries), size) {
			var in strings.Builder
			for _, it := range m.Items {
				fmt.Fprintln(&in, it.Name, it.BodySize())
			}
			all = append(all, in.String())
		}
		return all
	}
	before := digests(root)
	for _, change := range []struct {
		name string
		do   func(i int) []*plan.Entry
	}{
		{"grows", func(i int) []*plan.Entry {
			e := *root[i]
			e.Size += 20 << 10
			all := slices.Clone(root)
			all[i] = &e
			return all
		}},
		{"comes", func(i int) []*plan.Entry {
			e := *root[i]
			e.Path += "new"
			e.Ino = uint32(len(root) + 1)
			return slices.Insert(slices.Clone(root), i+1, &e)
		}},
		{"goes", func(i int) []*plan.Entry { return slices.Delete(slices.Clone(root), i, i+1) }},
	} {
		tried, sum := 0, 0
		for i := 1; i < len(root); i += 97 {
			if !root[i].IsFile() || root[i].Nlink > 1 {
				continue
			}
			after := digests(change.do(i))
			if after[0] != before[0] {
				t.Errorf("when %s %s, the member of directories and nodes changes", root[i].Path, change.name)
			}
			changed := 0
			for _, digest := range after {
				if !slices.Contains(before, digest) {
					changed++
				}
			}
			if changed > worst {
				t.Errorf("when %s %s, %d of %d members change, want %d at most", root[i].Path, change.name, changed, len(before), worst)
			}
			tried, sum = tried+1, sum+changed
		}
		if float64(sum) > mean*float64(tried) {
			t.Errorf("when one of %d files %s, %.2f members change on average, want %g at most", tried, change.name, float64(sum)/float64(tried), mean)
		}
	}
}

// TestLastNameCarriesContent checks that the last name of a file in an archive carries its
// content, whatever boot moves to the front and wherever members are cut.
func TestLastNameCarriesContent(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		entries := randomRoot(rng, 1+rng.IntN(300), 1<<12)
		early := []*plan.Entry{entries[rng.IntN(len(entries))], entries[rng.IntN(len(entries))]}
		for _, m := range cut(namedFirst(itemsOf(entries), early), 1<<14) {
			last := map[uint32]int{}
			for i, it := range m.Items {
				if it.Entry.IsFile() {
					last[it.Entry.Ino] = i
				}
			}
			for i, it := range m.Items {
				want := int64(0)
				if it.Entry.IsFile() && last[it.Entry.Ino] == i {
					want = it.Entry.Size
				}
				if got := it.BodySize(); it.Entry.IsFile() && got != want {
					t.Errorf("seed %d: %s, one of %d names, has %d bytes behind it, want %d", seed, it.Name, it.Entry.Nlink, got, want)
				}
			}
		}
	}
}
