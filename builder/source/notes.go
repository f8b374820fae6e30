package source

import (
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/internal/filecaps"
)

// notes collects warnings about the entries of one item, for one line of each kind.
type notes struct {
	attributes   tally // entries whose extended attributes stay behind
	capabilities tally // of these, entries with file capabilities
	holes        tally // sparse files, which are not sparse in RAM
	holeBytes    int64
	targetless   tally // symbolic links to nothing, which the kernel makes and symlink(2) does not
}

// leave records extended attributes that the entry at path does not get.
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

// manyHoles is the least number of bytes in holes that is worth a warning.
const manyHoles = 16 << 20

// hole records that the file at path has so many bytes without blocks.
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

// tell emits a warning for each kind that was recorded. wanted is false for an item that drops
// extended attributes on purpose.
func (n *notes) tell(j *job, wanted bool) {
	if n.holes.n > 0 {
		j.warn("sparse on disk and whole in RAM: %s, whose holes take %s", &n.holes, mebibytes(n.holeBytes))
	}
	if n.targetless.n > 0 {
		j.warn("left out: %s: a symbolic link without a target, which only the kernel can make", &n.targetless)
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
	if j.NoStub {
		hint = `under root.type: none nothing can set them; "xattrs: drop" says that nobody wants them`
	}
	j.warn("extended attributes of %s are left out: %s\n  %s", who, which, hint)
}

// tally counts paths with a common property, for one line about all of them.
type tally struct {
	n     int
	first string
}

func (t *tally) add(path string) {
	if t.n++; t.n == 1 {
		t.first = path
	}
}

func (t *tally) String() string {
	if t.n > 1 {
		return fmt.Sprintf("%s and %d more", t.first, t.n-1)
	}
	return t.first
}
