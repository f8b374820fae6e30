package source

import (
	"bufio"
	"io"
	"os"

	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/internal/magic"
)

// Spool copies a root from a pipe to a nameless file, which stands at its start. It copies
// nothing if the first bytes begin neither an initramfs nor a tarball, and not more than l
// allows.
func Spool(in io.Reader, l Limits) (*os.File, error) {
	spool, err := nameless()
	if err != nil {
		return nil, err
	}
	if err = copyPipe(spool, in, l, checkRoot); err == nil {
		_, err = spool.Seek(0, io.SeekStart)
	}
	if err != nil {
		spool.Close()
		return nil, hinted(err)
	}
	return spool, nil
}

func checkRoot(head []byte) error {
	if len(head) >= tarBlock && isHeader(head[:tarBlock]) {
		return nil
	}
	return image.CheckHead(head)
}

// copyPipe copies a pipe whose first bytes pass check. The data of a pipe has the same bound as
// unpacked data.
func copyPipe(spool *os.File, in io.Reader, l Limits, check func(head []byte) error) error {
	r := bufio.NewReaderSize(in, magic.HeadSize)
	head, err := r.Peek(magic.HeadSize)
	if err != nil && err != io.EOF {
		return err
	}
	if err := check(head); err != nil {
		return err
	}
	n, err := io.Copy(onDisk{spool}, io.LimitReader(r, l.unpacked()+1))
	if err == nil && n > l.unpacked() {
		err = l.tooLarge()
	}
	return err
}
