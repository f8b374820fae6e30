package source

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"github.com/mkinitfs/mkinitfs/compress"
)

// plainTar returns f itself if it is a plain archive, standing at its start, else
// a file without a name that holds f decompressed: contents are needed in another
// order than they come in, and may be larger than memory.
func plainTar(ctx context.Context, f *os.File) (*os.File, error) {
	r := bufio.NewReaderSize(f, 1<<16)
	head, err := r.Peek(8)
	if err != nil && err != io.EOF {
		return nil, err
	}
	codec := compress.Detect(head)
	if codec == nil || codec.Name == "none" {
		_, err := f.Seek(0, io.SeekStart)
		return f, err
	}
	spool, err := nameless()
	if err != nil {
		return nil, err
	}
	// pigz, pixz, zstd -T and cat make archives of several streams.
	for codec != nil {
		err = decodeStream(ctx, spool, codec, r)
		if err != nil {
			break
		}
		codec, err = nextStream(r)
	}
	if err == nil {
		_, err = spool.Seek(0, io.SeekStart)
	}
	if err != nil {
		spool.Close()
		return nil, err
	}
	return spool, nil
}

func decodeStream(ctx context.Context, w io.Writer, codec *compress.Codec, r *bufio.Reader) error {
	stream, err := codec.NewReader(r)
	if err != nil {
		return err
	}
	defer stream.Close()
	_, err = io.Copy(w, interruptible{ctx, stream})
	return err
}

// nextStream returns the codec of the stream that follows, nil at the end. Blocks
// of zeros fill the last record of a tape.
func nextStream(r *bufio.Reader) (*compress.Codec, error) {
	for {
		head, err := r.Peek(8)
		zeros := len(head) - len(bytes.TrimLeft(head, "\x00"))
		switch {
		case len(head) == 0 && err == io.EOF:
			return nil, nil
		case len(head) == 0:
			return nil, err
		case zeros > 0:
			r.Discard(zeros)
			continue
		}
		if codec := compress.Detect(head); codec != nil {
			return codec, nil
		}
		return nil, errors.New("junk after the compressed archive")
	}
}

// nameless creates a temporary file that is gone when it is closed, whatever
// becomes of this process.
func nameless() (*os.File, error) {
	f, err := os.CreateTemp("", "mkinitfs-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// interruptible is a reader that fails when its context ends.
type interruptible struct {
	ctx context.Context
	io.Reader
}

func (r interruptible) Read(b []byte) (int, error) {
	if r.ctx.Err() != nil {
		return 0, context.Cause(r.ctx)
	}
	return r.Reader.Read(b)
}
