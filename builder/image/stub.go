package image

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// Stub is the stub of an image.
type Stub struct {
	SHA256    string
	Size      int64
	GoVersion string // that compiled it, "" if it does not say
}

const maxStub = 64 << 20 // far more bytes than a stub has

// ReadStub returns the stub of the image r, nil if there is none. It reads no further than the
// stub.
func ReadStub(r io.Reader) (*Stub, error) {
	found := errors.New("found")
	var stub *Stub
	planned := false
	_, err := WalkOuter(r, func(e *Entry, body io.Reader) error {
		planned = planned || e.Path() == "/"+bootplan.Path
		if e.Path() != "/init" || !planned {
			return nil
		}
		if e.Size > maxStub {
			return fmt.Errorf("/init has %d bytes, no stub has more than %d", e.Size, maxStub)
		}
		program, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		stub = &Stub{Size: int64(len(program)), SHA256: fmt.Sprintf("%x", sha256.Sum256(program))}
		if info, err := buildinfo.Read(bytes.NewReader(program)); err == nil {
			stub.GoVersion = info.GoVersion
		}
		return found
	})
	if err == found {
		err = nil
	}
	return stub, err
}
