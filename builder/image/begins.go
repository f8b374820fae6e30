package image

import (
	"bufio"
	"io"

	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/magic"
)

// Begins reports whether r begins as an image does: with a cpio archive, raw or compressed.
func Begins(r io.Reader) bool {
	in := bufio.NewReader(r)
	head, _ := in.Peek(magic.HeadSize)
	codec := compress.Detect(head)
	if codec == nil {
		return false
	}
	z, err := codec.NewReader(in)
	if err != nil {
		return false
	}
	defer z.Close()
	begin := make([]byte, 6)
	_, err = io.ReadFull(z, begin)
	return err == nil && magic.Is(begin, magic.Cpio)
}
