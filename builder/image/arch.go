package image

import (
	"errors"
	"fmt"
	"io"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/internal/arch"
)

// ErrNoArch says that nothing in an image is for one architecture.
var ErrNoArch = errors.New("no program in it tells its architecture")

// Arch returns the architecture of the image r, as a manifest names it. The boot plan says it.
// In an image without one the first program does.
func Arch(r io.Reader) (string, error) {
	name := ""
	found := errors.New("found")
	_, err := Walk(r, func(e *Entry, body io.Reader) error {
		switch {
		case e.Path() == "/"+bootplan.Path:
			text, err := io.ReadAll(body)
			if err != nil {
				return err
			}
			p, err := bootplan.Parse(text)
			if err != nil {
				return fmt.Errorf("%s: %w", bootplan.Path, err)
			}
			name = p.Arch
		case e.Type() == cpio.TypeFile && e.Mode&0o111 != 0:
			head := make([]byte, arch.HeaderSize)
			n, _ := io.ReadFull(body, head)
			if h, ok := arch.Parse(head[:n]); ok {
				name = arch.Name(h.Arch())
			}
		}
		if name != "" {
			return found
		}
		return nil
	})
	switch {
	case err == found:
		return name, nil
	case err != nil:
		return "", err
	}
	return "", ErrNoArch
}
