package source

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/magic"
	"github.com/mkinitfs/mkinitfs/internal/newfile"
)

// tarsIn returns how to open tarballs. A file is read as it is if it holds a plain archive.
// Otherwise the archive is decompressed to a nameless file, because contents are read in another
// order and may be larger than memory. A file that does not begin as a tar archive is an error
// before anything is spooled. bound limits the spool.
func tarsIn(bound func(spool io.Writer) io.Writer) archiveFormat {
	return archiveFormat{
		plain: func(ctx context.Context, f *os.File) (*os.File, error) {
			r := bufio.NewReaderSize(f, 1<<16)
			codec, err := detect(r)
			if err != nil {
				return nil, err
			}
			if codec == nil {
				_, err := f.Seek(0, io.SeekStart)
				return f, err
			}
			spool, err := nameless()
			if err != nil {
				return nil, err
			}
			if err = unpack(ctx, bound(spool), codec, r, checkTar); err == nil {
				_, err = spool.Seek(0, io.SeekStart)
			}
			if err != nil {
				spool.Close()
				return nil, err
			}
			return spool, nil
		},
		spool: func(ctx context.Context, spool *os.File, in io.Reader) error {
			r := bufio.NewReaderSize(in, 1<<16)
			codec, err := detect(r)
			if err != nil {
				return err
			}
			if codec != nil {
				return unpack(ctx, bound(spool), codec, r, checkTar)
			}
			_, err = r.WriteTo(bound(spool))
			return err
		},
	}
}

// detect returns the codec of an archive, nil for a plain one.
func detect(r *bufio.Reader) (*compress.Codec, error) {
	if err := skipFrames(r); err != nil {
		return nil, err
	}
	head, err := r.Peek(magic.HeadSize)
	if err != nil && err != io.EOF {
		return nil, err
	}
	codec := codecOf(head)
	if codec == nil {
		return nil, checkTar(head)
	}
	return codec, nil
}

// codecOf returns the codec of a tar archive with the given first bytes, nil for a plain one.
func codecOf(head []byte) *compress.Codec {
	codec := compress.Detect(head)
	// The name of the first member may look like a codec.
	if codec == nil || codec.Name == compress.None || len(head) >= tarBlock && isHeader(head[:tarBlock]) {
		return nil
	}
	return codec
}

// unpack decompresses r to w. pigz, pixz, zstd -T and cat write archives of several streams.
// check gets the first bytes; it may be nil.
func unpack(ctx context.Context, w io.Writer, codec *compress.Codec, r *bufio.Reader, check func(head []byte) error) error {
	for ; codec != nil; check = nil {
		err := decodeStream(ctx, w, codec, r, check)
		if err == nil {
			codec, err = nextStream(r)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// decodeStream decodes one stream.
func decodeStream(ctx context.Context, w io.Writer, codec *compress.Codec, r *bufio.Reader, check func(head []byte) error) error {
	stream, err := codec.NewReader(r)
	if err != nil {
		return err
	}
	defer stream.Close()
	in := bufio.NewReaderSize(interruptible{ctx, stream}, 1<<16)
	if check != nil {
		head, err := in.Peek(magic.HeadSize)
		if err != nil && err != io.EOF {
			return err
		}
		if err := check(head); err != nil {
			return fmt.Errorf("%s: %w", codec.Name, err)
		}
	}
	_, err = in.WriteTo(w)
	return err
}

// maxSpool is the largest number of bytes that are spooled for one archive. No root in memory
// is larger, but a small file can unpack to any size.
const maxSpool = 64 << 30

// bounded is a spool that takes at most left bytes. Beyond them it returns over.
type bounded struct {
	w    io.Writer
	left int64
	over error
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, b.over
	}
	return onDisk{b.w}.Write(p)
}

// spoolError adds the directory of the spool to err, because the spool itself has no name.
func spoolError(err error) error {
	var e *fs.PathError
	if errors.As(err, &e) {
		err = e.Err
	}
	return advise("TMPDIR names the directory for that", "spool it in %s: %w", os.TempDir(), err)
}

// nextStream returns the codec of the next stream, or nil at the end. It skips zeros, which
// fill the last record of a tape.
func nextStream(r *bufio.Reader) (*compress.Codec, error) {
	for {
		if err := skipFrames(r); err != nil {
			return nil, err
		}
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

// skipFrames skips the skippable frames of zstd
// (https://www.rfc-editor.org/rfc/rfc8878#name-skippable-frames). pzstd begins with one, and
// layers of the format zstd:chunked end with some.
func skipFrames(r *bufio.Reader) error {
	for {
		head, _ := r.Peek(8) // the next read has the error
		if len(head) < 8 || binary.LittleEndian.Uint32(head)&^0xf != 0x184d2a50 {
			return nil
		}
		size := 8 + int64(binary.LittleEndian.Uint32(head[4:]))
		if n, err := io.CopyN(io.Discard, r, size); err == io.EOF {
			return fmt.Errorf("%w: cut short, a skippable frame has %d of %d bytes", io.ErrUnexpectedEOF, n, size)
		} else if err != nil {
			return err
		}
	}
}

// nameless creates a temporary file without a name. The kernel frees it when it is closed, even
// if this process is killed.
func nameless() (*os.File, error) {
	f, err := newfile.Temp("")
	if err != nil {
		return nil, spoolError(err)
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
