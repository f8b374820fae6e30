package image

import (
	"bytes"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"slices"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/internal/xattr"
)

// Xattrs are the extended attributes that the stub sets. They take 16 bytes for each attribute
// of a file, whatever the image, because paths are kept as hashes.
type Xattrs struct {
	seed  maphash.Seed
	lines []xattrLine // by hash
	attrs []namedValue
}

type xattrLine struct {
	path uint64 // hash of an absolute, clean path
	attr uint32 // index in attrs
}

type namedValue struct{ name, value string }

// A table may hold so much. Names and values are as long as Linux accepts them (xattr(7)). An
// escaped line has four bytes for each of theirs.
const (
	maxXattrText   = 16 << 20 // names and values together
	maxXattrLines  = 1 << 19
	chunkLines     = 4 << 10
	maxXattrLength = 4*(xattr.NameMax+xattr.SizeMax) + 64
)

// readXattrs reads a table.
func readXattrs(r io.Reader) (*Xattrs, error) {
	x := &Xattrs{seed: maphash.MakeSeed()}
	var chunks [][]xattrLine // append would leave large pieces behind
	text, lines := 0, 0
	err := bootplan.ReadXattrs(&lineLimit{r: r}, func(path, name, value string) error {
		last := len(x.attrs) - 1
		if last < 0 || x.attrs[last] != (namedValue{name, value}) {
			text += len(name) + len(value) + 64
			switch {
			case len(name) > xattr.NameMax:
				return fmt.Errorf("name of %d bytes, at most %d are possible", len(name), xattr.NameMax)
			case len(value) > xattr.SizeMax:
				return fmt.Errorf("value of %d bytes, at most %d are possible", len(value), xattr.SizeMax)
			case text > maxXattrText:
				return fmt.Errorf("names and values of more than %d MiB", maxXattrText>>20)
			}
			x.attrs = append(x.attrs, namedValue{name, value})
			last++
		}
		if lines == maxXattrLines {
			return fmt.Errorf("more than %d attributes", maxXattrLines)
		}
		if lines%chunkLines == 0 {
			chunks = append(chunks, make([]xattrLine, 0, chunkLines))
		}
		lines++
		end := &chunks[len(chunks)-1]
		*end = append(*end, xattrLine{maphash.String(x.seed, path), uint32(last)})
		return nil
	})
	x.lines = slices.Concat(chunks...)
	slices.SortStableFunc(x.lines, func(a, b xattrLine) int { return compareHash(a, b.path) })
	return x, err
}

func compareHash(l xattrLine, path uint64) int {
	switch {
	case l.path < path:
		return -1
	case l.path > path:
		return 1
	}
	return 0
}

// Of returns the attributes of an absolute, clean path by name, nil if it has none. Of the
// names of one file only the first in the image has them.
func (x *Xattrs) Of(path string) map[string]string {
	if x == nil {
		return nil
	}
	hash := maphash.String(x.seed, path)
	i, found := slices.BinarySearchFunc(x.lines, hash, compareHash)
	if !found {
		return nil
	}
	of := map[string]string{}
	for ; i < len(x.lines) && x.lines[i].path == hash; i++ {
		a := x.attrs[x.lines[i].attr]
		of[a.name] = a.value
	}
	return of
}

// lineLimit returns an error for a line that is longer than the longest valid one.
type lineLimit struct {
	r    io.Reader
	line int
}

var errLongLine = errors.New("line is too long")

func (l *lineLimit) Read(p []byte) (int, error) {
	n, err := l.r.Read(p)
	if end := bytes.LastIndexByte(p[:n], '\n'); end >= 0 {
		l.line = n - end - 1
	} else {
		l.line += n
	}
	if l.line > maxXattrLength {
		err = errLongLine
	}
	return n, err
}
