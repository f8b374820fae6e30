//go:build linux

package image

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// policyImage has entries of a user and of others. "d" gets the owner and mode of a FIFO
// that cannot replace it.
func policyImage(t *testing.T, uid, gid uint32) []byte {
	const other = 70001
	entry := func(name string, mode, uid, gid uint32) cpio.Header {
		h := cpio.Header{Name: name, Mode: mode, UID: uid, GID: gid}
		if kind := h.Type(); kind == cpio.TypeChar || kind == cpio.TypeBlock {
			h.RdevMajor, h.RdevMinor = 1, 3
		}
		return h
	}
	return archiveOf(t,
		entry("d", cpio.TypeDir|0o755, other, other), entry("d/mine", cpio.TypeFile|0o6755, uid, gid),
		entry("d/theirs", cpio.TypeFile|0o6755, other, other), entry("d/one", cpio.TypeFile|0o6755, other, gid),
		entry("d/null", cpio.TypeChar|0o666, uid, gid), entry("d/full", cpio.TypeChar|0o666, other, other),
		entry("d/disk", cpio.TypeBlock|0o600, uid, gid), entry("d", cpio.TypeFIFO|0o4775, other, other),
	)
}

// Each user keeps other things of the same entries.
func TestExtractPolicy(t *testing.T) {
	type result struct {
		Tree     []string
		Squashed int
		Skipped  []string
	}
	// Root makes what somebody else would get, too, so that it can be tested.
	somebody := &User{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}
	if somebody.uid == 0 {
		somebody.uid, somebody.gid = 1000, 1000
	}
	own := fmt.Sprintf("%d:%d", somebody.uid, somebody.gid)
	nodes := []string{"/d/null", "/d/full", "/d/disk"}
	tests := []struct {
		name string
		user *User
		want result
	}{
		{"root", &User{0, 0, idMap{everyID}, idMap{everyID}}, result{[]string{
			"d 44775 70001:70001", "d/disk 60600 0:0", "d/full 20666 70001:70001", "d/mine 106755 0:0", "d/null 20666 0:0",
			"d/one 106755 70001:0", "d/theirs 106755 70001:70001",
		}, 0, nil}},
		{"root of a user namespace", &User{0, 0, idMap{{0, 1000, 1}, {70000, 5, 9}}, idMap{{0, 1000, 1}}}, result{[]string{
			"d 44775 70001:0", "d/mine 106755 0:0", "d/one 106755 70001:0", "d/theirs 106755 70001:0",
		}, 3, nodes}},
		{"somebody else", somebody, result{[]string{
			"d 40775 " + own, "d/mine 106755 " + own, "d/one 102755 " + own, "d/theirs 100755 " + own,
		}, 0, nodes}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.user.uid == 0 && os.Geteuid() != 0 {
				t.Skip("only root can give files to others")
			}
			dir := t.TempDir()
			x := Extraction{Dir: open(t, dir), User: test.user}
			if err := x.Extract(t.Context(), bytes.NewReader(policyImage(t, test.user.uid, test.user.gid))); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, result{owners(t, dir), x.Squashed, x.Skipped}); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// What is left out of a boot segment does not count once it is known that the root comes in
// members, and a lent device is not lent where a later entry takes its place.
func TestExtractPolicyCounts(t *testing.T) {
	member := archiveOf(t, cpio.Header{Name: "a", Mode: cpio.TypeChar | 0o600, RdevMajor: 1, RdevMinor: 3},
		cpio.Header{Name: "b", Mode: cpio.TypeChar | 0o600, RdevMajor: 1, RdevMinor: 3},
		cpio.Header{Name: "c", Mode: cpio.TypeChar | 0o600, RdevMajor: 1, RdevMinor: 7})
	boot := archiveOf(t, cpio.Header{Name: "dev/console", Mode: cpio.TypeChar | 0o600, RdevMajor: 5, RdevMinor: 1, UID: 5},
		cpio.Header{Name: "dev/null", Mode: cpio.TypeChar | 0o600, RdevMajor: 1, RdevMinor: 3})
	data := join(t, boot, archive(t, append([]string{planFor(t, member)}, payloadOf(member)...)...))
	for _, test := range []struct {
		name string
		data []byte
		want map[string]Device
	}{
		{"members", data, map[string]Device{"/a": {1, 3}, "/b": {1, 3}}},
		{"a later entry", join(t, member, archive(t, "b=file")), map[string]Device{"/a": {1, 3}}},
	} {
		x := Extraction{
			Dir:     open(t, t.TempDir()),
			Parents: true,
			User:    &User{uint32(os.Geteuid()), uint32(os.Getegid()), idMap{{0, 1000, 1}}, idMap{{0, 1000, 1}}},
			Lend:    func(d Device) bool { return d == Device{1, 3} },
		}
		if err := x.Extract(t.Context(), bytes.NewReader(test.data)); err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, x.Lent); diff != "" {
			t.Errorf("%s: lent: -want +got\n%s", test.name, diff)
		}
		if diff := cmp.Diff([]string{"/c"}, x.Skipped); diff != "" || x.Squashed != 0 {
			t.Errorf("%s: %d given to root, left out: -want +got\n%s", test.name, x.Squashed, diff)
		}
	}
}

// The umask, which a library leaves alone, does not show in what is made.
func TestExtractUmask(t *testing.T) {
	dir := t.TempDir()
	defer unix.Umask(unix.Umask(0o777))
	x := Extraction{Dir: open(t, dir)}
	x.maker.between = func(call, name string) {
		if info, err := os.Lstat(filepath.Join(dir, name)); call == "mkdir" && (err != nil || info.Mode().Perm() != 0o700) {
			t.Errorf("%s right after mkdir: got %v, %v, want mode 0700", name, info, err)
		}
	}
	if err := x.Extract(t.Context(), bytes.NewReader(archiveWithNodes(t, "d/", "d/f=1", "d/p|10666", "d/e/"))); err != nil {
		t.Fatal(err)
	}
	own := fmt.Sprintf(" %d:%d", os.Geteuid(), os.Getegid())
	want := []string{"d 40755" + own, "d/e 40755" + own, "d/f 100644" + own, "d/p 10666" + own}
	if diff := cmp.Diff(want, owners(t, dir)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestIDMap(t *testing.T) {
	tests := []struct {
		text    string
		whole   bool
		has     []uint32
		without []uint32
	}{
		{"         0          0 4294967295\n", true, []uint32{0, 1000, 1<<32 - 2}, []uint32{1<<32 - 1}},
		{"         0       1000          1\n", false, []uint32{0}, []uint32{1, 1000}},
		{"0 1000 1\n1 100000 65536\n", false, []uint32{0, 1, 65536}, []uint32{65537, 100000}},
		{"", false, nil, []uint32{0}},
	}
	for _, test := range tests {
		m, err := parseIDMap(test.text)
		if err != nil {
			t.Fatalf("%q: %v", test.text, err)
		}
		if got := m.whole(); got != test.whole {
			t.Errorf("%q: got whole %v, want %v", test.text, got, test.whole)
		}
		for _, id := range test.has {
			if !m.has(id) {
				t.Errorf("%q: got no id %d, want it", test.text, id)
			}
		}
		for _, id := range test.without {
			if m.has(id) {
				t.Errorf("%q: got id %d, want none", test.text, id)
			}
		}
	}
	if _, err := parseIDMap("0 0\n"); err == nil {
		t.Error("got no error of half a line, want one")
	}
	// A kernel without user namespaces has no maps.
	if m, err := readIDMap(filepath.Join(t.TempDir(), "uid_map")); err != nil || !m.whole() {
		t.Errorf("missing map: got %v, %v, want every id", m, err)
	}
}

// owners returns the mode and owner of everything below a directory.
func owners(t *testing.T, dir string) []string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		var s unix.Stat_t
		if err := unix.Lstat(path, &s); err != nil {
			return err
		}
		lines = append(lines, fmt.Sprintf("%s %o %d:%d", path[len(dir)+1:], s.Mode, s.Uid, s.Gid))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}
