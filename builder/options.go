package builder

import (
	"os"

	"github.com/mkinitfs/mkinitfs/builder/source"
)

// Limits bound sources from elsewhere.
type Limits = source.Limits

// Options are the options of a build. The zero value builds for the architecture of the
// manifest, with a stub that is embedded in the program or else compiled, with times of 1970,
// and keeps nothing.
type Options struct {
	Stub    string // file of a stub to use instead of a compiled one
	Epoch   *int64 // SOURCE_DATE_EPOCH in seconds, nil if it is not set
	TempDir string // for the packed payload while it grows; "" is os.TempDir()
	Digest  bool   // fill Report.SHA256
	Depfile Depfile

	// Fakeroot is the program that pretends other owners, modes and types of files. It is an
	// error if a source depends on them. "" takes all as it is on disk.
	Fakeroot string

	Stdin *os.File // for an archive that comes in there; it is closed

	Limits Limits // on each initramfs and container's image that the image takes over

	// Cache is a directory for compiled stubs and slowly compressed data, "" for none. The
	// image is the same with it and without. A directory in which everybody may write is not
	// used, and mkinitfs in the user's cache directory only if nobody but the user may.
	Cache string

	// Recompress compresses everything anew. Cache then keeps only stubs.
	Recompress bool

	// WantCache warns if Cache is "": the user has no directory for it.
	WantCache bool

	// Notice is called before slow work that is needed only once, such as compiling a stub. It
	// may be nil.
	Notice func(text string)

	// Progress is called with the number of bytes of the root that have been read, and of all.
	// It is called from one goroutine at a time, and may be nil.
	Progress func(done, total int64)

	IfChanged bool // BuildFile leaves an image that has these bytes already as it is, with its time
}
