package builder

import (
	"cmp"
	"hash/crc32"
	"slices"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/arch"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// member is a run of entries that becomes one archive.
type member struct {
	entries []*plan.Entry
	size    int64 // bytes of the archive, with its trailer
}

// Members are cut at 8 to 16 MiB, those of a large root at twice that; for 32-bit
// machines, which unpack them in little memory, at 4 to 8 MiB. Of a Debian root of 124
// MiB zstd makes 1.3 % more in members of 16 MiB than in one piece, 2.6 % in those of
// 8; with its small window for 32-bit machines 1.2 % more in those of 4, 4.5 % in
// those of 1.
const (
	memberSize      = 8 << 20
	memberSizeSmall = 4 << 20
	largeRoot       = 64 << 20
)

// cutMembers cuts the plan into members.
func (b *build) cutMembers() ([]member, error) {
	size := int64(memberSize)
	switch {
	case arch.Is32(b.arch):
		size = memberSizeSmall
	case b.report.Unpacked >= largeRoot:
		size *= 2
	}
	members := b.cut(size)
	if b.manifest.Root.Type == manifests.Bind {
		b.endMembers(members)
	}
	if b.manifest.Root.Type != manifests.Tmpfs || b.payload.Name != "none" {
		return members, nil
	}
	// A raw member is a file in an archive itself.
	for _, m := range members {
		if e := m.entries[0]; m.size > cpio.MaxSize {
			return nil, plan.Errors{{Origin: e.Origin, Path: e.Path, Msg: "too large for root.payload none: a member has less than 4 GiB"}}
		}
	}
	return members, nil
}

// endMembers puts the directory that says that all of it is there behind each member.
func (b *build) endMembers(members []member) {
	for i := range members {
		m := &members[i]
		end := &plan.Entry{
			Path: "/" + bootplan.EndName(i), Mode: plan.TypeDir | 0o700, MTime: b.clock().Epoch, Nlink: 2, Implied: true,
		}
		m.entries = append(slices.Clip(m.entries), end)
		m.size += cpio.EntrySize(name(end), 0)
	}
}

// cut divides the plan into members of size to 2*size bytes, which can be packed
// and unpacked side by side. Folders, nodes and symbolic links come first, in one that
// takes what they take, so that every file finds its parent; the names of one file stay
// together, since hard links do not reach across archives; a file larger than that is a
// member by itself, and those between two such may be smaller. A root that fits into
// one member is one.
func (b *build) cut(size int64) []member {
	if whole := newMember(b.entries); whole.size <= 2*size {
		return []member{whole}
	}
	nodes, files := b.arrange()
	members := []member{newMember(nodes)}
	start := 0
	for i := 0; i < len(files); {
		end, length := file(files, i)
		if length+cpio.TrailerSize > 2*size {
			members = append(split(members, files[start:i], size), newMember(files[i:end]))
			start = end
		}
		i = end
	}
	return split(members, files[start:], size)
}

// arrange parts the entries that are no files from those that are, and brings all
// names of a file to its first.
func (b *build) arrange() (nodes, files []*plan.Entry) {
	more := map[uint32][]*plan.Entry{} // all names of files that have several
	for _, e := range b.entries {
		if e.IsFile() && e.Nlink > 1 {
			more[e.Ino] = append(more[e.Ino], e)
		}
	}
	files = make([]*plan.Entry, 0, len(b.entries))
	for _, e := range b.entries {
		switch {
		case !e.IsFile():
			nodes = append(nodes, e)
		case e.Nlink == 1:
			files = append(files, e)
		case e == more[e.Ino][0]:
			files = append(files, more[e.Ino]...)
		}
	}
	return nodes, files
}

// file returns where the names of the file end that is at start of arranged files, and
// how many bytes it takes in an archive.
func file(files []*plan.Entry, start int) (end int, size int64) {
	size = cpio.EntrySize(name(files[start]), files[start].Size)
	for end = start + 1; end < len(files) && files[end].Ino == files[start].Ino; end++ {
		size += cpio.EntrySize(name(files[end]), 0)
	}
	return end, size
}

// newMember is the member of entries.
func newMember(entries []*plan.Entry) member {
	m := member{entries, cpio.TrailerSize}
	seen := map[uint32]bool{} // files with several names
	for _, e := range entries {
		body := bodySize(e)
		if e.IsFile() && e.Nlink > 1 {
			if seen[e.Ino] {
				body = 0
			}
			seen[e.Ino] = true
		}
		m.size += cpio.EntrySize(name(e), body)
	}
	return m
}

// split appends files, as they are arranged, to members. What is too much for one is
// parted before the file whose name has the least hash of those that leave size bytes
// on either side, and so on with the parts. So where a file grows, comes or goes, the
// others stay in the members that they were in: with a running count of bytes all
// later cuts would move.
func split(members []member, files []*plan.Entry, size int64) []member {
	if len(files) == 0 {
		return members
	}
	total := newMember(files)
	at, before := file(files, 0)
	if at == len(files) || total.size <= 2*size {
		return append(members, total)
	}
	type place struct {
		lopsided int64 // bytes that a part falls short of size
		hash     uint32
	}
	var best place
	var path []byte
	for i, first := at, at; i < len(files); {
		after := total.size - before
		path = append(path[:0], files[i].Path...)
		p := place{max(size-min(before+cpio.TrailerSize, after), 0), crc32.ChecksumIEEE(path)}
		if i == first || cmp.Or(cmp.Compare(p.lopsided, best.lopsided), cmp.Compare(p.hash, best.hash)) < 0 {
			at, best = i, p
		}
		end, length := file(files, i)
		before += length
		i = end
	}
	return split(split(members, files[:at], size), files[at:], size)
}
