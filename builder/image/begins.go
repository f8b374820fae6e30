package image

import (
	"bufio"
	"errors"
	"io"

	"github.com/mkinitfs/mkinitfs/builder/envelope"
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

// CheckHead returns an error if no image begins with head. It names the actual format, if that
// is known. Zeros may be in front of an image.
func CheckHead(head []byte) error {
	if len(head) == 0 || head[0] == 0 || compress.Detect(head) != nil || envelope.Begins(head) {
		return nil
	}
	return notImage(errors.New(describe(head)))
}
