package source

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/internal/filecaps"
)

// notes are what a user should know about the entries of one item, in one line for each
// kind.
type notes struct {
	attributes   tally // entries whose extended attributes stay behind
	capabilities tally // those that have some for programs
	holes        tally // sparse files, which are not sparse in RAM
	holeBytes    int64
}

// leave notes extended attributes that the entry at path does not get.
func (n *notes) leave(path string, names []string) {
	if len(names) == 0 {
		return
	}
	n.attributes.add(path)
	for _, name := range names {
		if name == filecaps.Xattr {
			n.capabilities.add(path)
		}
	}
}

// manyHoles is how many bytes of holes make a file worth a line.
const manyHoles = 16 << 20

// hole notes that the file at path has so many bytes without blocks.
func (n *notes) hole(path string, bytes int64) {
	if bytes >= manyHoles {
		n.holes.add(path)
		n.holeBytes += bytes
	}
}

// onDisk is hole for a regular file of the host.
func (n *notes) onDisk(path string, info *unix.Stat_t) {
	const unit = 512 // st_blocks, whatever the file system's block is
	n.hole(path, info.Size-info.Blocks*unit)
}

// tell warns of all that was noted. Wanted says that nobody has said to drop attributes.
func (n *notes) tell(item *Item, wanted bool) {
	if n.holes.n > 0 {
		item.warn("sparse on disk and whole in RAM: %s, whose holes take %s", &n.holes, mebibytes(n.holeBytes))
	}
	if n.attributes.n == 0 || !wanted {
		return
	}
	who, which := "1 entry", &n.attributes
	if n.attributes.n > 1 {
		who = fmt.Sprintf("%d entries", n.attributes.n)
	}
	if n.capabilities.n > 0 {
		who += fmt.Sprintf(" (%d with capabilities)", n.capabilities.n)
		which = &tally{n.attributes.n, n.capabilities.first}
	}
	hint := `"xattrs: keep" takes them along, "xattrs: drop" says that nobody wants them`
	if item.NoStub {
		hint = `under root.type: none nothing can set them; "xattrs: drop" says that nobody wants them`
	}
	item.warn("extended attributes of %s are left out: %s\n  %s", who, which, hint)
}
