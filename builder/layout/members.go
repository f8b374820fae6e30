package layout

import (
	"cmp"
	"hash/crc32"
	"slices"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// Member is a run of items that becomes one archive.
type Member struct {
	Items []Item
	Size  int64 // bytes of the archive, with its trailer
}

// Members have 8 to 16 MiB, and twice that in a large root. For 32-bit machines, which have
// little memory, they have 4 to 8 MiB. A Debian root of 124 MiB, packed with zstd, takes 1.3 %
// more in members of 16 MiB than in one piece, and 2.6 % more in members of 8 MiB. With the
// small window for 32-bit machines it takes 1.2 % more in members of 4 MiB, and 4.5 % more in
// members of 1 MiB.
const (
	usualMember = 8 << 20
	smallMember = 4 << 20
	largeMember = 16 << 20
	largeRoot   = 64 << 20 // bytes of files
)

// memberSize returns the least size of members, in bytes, for a root with so many bytes of
// files.
func memberSize(small bool, unpacked int64) int64 {
	switch {
	case small:
		return smallMember
	case unpacked >= largeRoot:
		return largeMember
	}
	return usualMember
}

// checkRaw refuses raw members that are too large for a file in an archive.
func checkRaw(members []Member) error {
	for _, m := range members {
		if e := m.Items[0].Entry; m.Size > cpio.MaxSize {
			return plan.Errors{{Origin: e.Origin, Path: e.Path, Msg: "too large for root.payload none: a member has less than 4 GiB"}}
		}
	}
	return nil
}

// endMembers puts a directory behind each member of a bound root. It shows the stub that the
// kernel has unpacked all of the member.
func endMembers(members []Member, mtime int64) {
	for i := range members {
		m := &members[i]
		end := itemOf(&plan.Entry{
			Path: "/" + bootplan.EndName(i), Mode: plan.TypeDir | 0o700, MTime: mtime, Nlink: 2, Implied: true,
		})
		m.Items = append(slices.Clip(m.Items), end)
		m.Size += cpio.EntrySize(end.Name, 0)
	}
}

// cut divides the items into members of size to 2*size bytes, which can be packed and
// unpacked side by side. Directories, nodes and symbolic links come first, in a member of
// any size, so that every file finds its parent. The names of one file stay together, since
// hard links do not reach across archives. A file larger than 2*size is a member by itself,
// and members between two such files may be smaller than size. A root that fits into one
// member is one.
func cut(items []Item, size int64) []Member {
	if whole := newMember(items); whole.Size <= 2*size {
		return []Member{whole}
	}
	nodes, files := arrange(items)
	members := []Member{newMember(nodes)}
	start := 0
	for i := 0; i < len(files); {
		end, length := span(files, i)
		if length+cpio.TrailerSize > 2*size {
			members = append(split(members, files[start:i], size), newMember(files[i:end]))
			start = end
		}
		i = end
	}
	return split(members, files[start:], size)
}

// arrange separates files from all other items, and puts all names of a file behind its first.
func arrange(items []Item) (nodes, files []Item) {
	more := map[*plan.Entry][]Item{} // further names, by the first
	for _, it := range items {
		if e := it.Entry; e.IsFile() && e.First != nil {
			more[e.First] = append(more[e.First], it)
		}
	}
	files = make([]Item, 0, len(items))
	for _, it := range items {
		switch e := it.Entry; {
		case !e.IsFile():
			nodes = append(nodes, it)
		case e.First == nil:
			files = append(append(files, it), more[e]...)
		}
	}
	return nodes, files
}

// span takes the index of a file's first name in arranged files. It returns the index behind
// the file's last name, and the bytes that the file takes in an archive.
func span(files []Item, start int) (end int, size int64) {
	for end = start + 1; end < len(files) && files[end].Entry.First != nil; end++ {
	}
	return end, ArchiveSize(files[start:end]) - cpio.TrailerSize
}

// newMember returns the member of items.
func newMember(items []Item) Member { return Member{items, ArchiveSize(items)} }

// split appends arranged files to members. If the files are too large for one member, it cuts
// before the file with the least hash of its name, among those that leave size bytes on either
// side. It then cuts the parts again. So when a file changes, is added or removed, most others
// stay in their members. Cuts by a running count of bytes would all move.
func split(members []Member, files []Item, size int64) []Member {
	if len(files) == 0 {
		return members
	}
	total := newMember(files)
	at, before := span(files, 0)
	if at == len(files) || total.Size <= 2*size {
		return append(members, total)
	}
	type candidate struct {
		lopsided int64 // bytes by which a part is smaller than size
		hash     uint32
	}
	var best candidate
	path := []byte{'/'}
	for i, first := at, at; i < len(files); {
		after := total.Size - before
		path = append(path[:1], files[i].Name...)
		c := candidate{max(size-min(before+cpio.TrailerSize, after), 0), crc32.ChecksumIEEE(path)}
		if i == first || cmp.Or(cmp.Compare(c.lopsided, best.lopsided), cmp.Compare(c.hash, best.hash)) < 0 {
			at, best = i, c
		}
		end, length := span(files, i)
		before += length
		i = end
	}
	return split(split(members, files[:at], size), files[at:], size)
}
