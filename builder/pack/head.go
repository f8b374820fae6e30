package pack

import (
	"io"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// Watcher gets the first bytes of files while they are packed. Several goroutines use it at
// once.
type Watcher interface {
	Wants(e *plan.Entry) bool        // reports whether Look is to be called for the file e
	Look(e *plan.Entry, head []byte) // gets up to 64 bytes, which it does not keep
}

// headSize is the number of bytes of a file that a [Watcher] gets, which is the longest ELF
// header.
const headSize = 64

// head is a reader that passes on another reader's data and keeps its first bytes.
type head struct {
	io.Reader
	kept [headSize]byte
	n    int
}

// of returns a reader of r that fills h. It is r itself if h is nil.
func (h *head) of(r io.Reader) io.Reader {
	if h == nil {
		return r
	}
	h.Reader, h.n = r, 0
	return h
}

func (h *head) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	h.n += copy(h.kept[h.n:], p[:n])
	return n, err
}
