package image

import (
	"bytes"
	"cmp"
	"errors"
	"io"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/magic"
)

// tail reads bytes that are neither an archive nor a stream. It returns nil if they may follow
// an image: a boot configuration, the beginning of a header, erased flash.
func (w *walker) tail(r *skipReader, zeros int64) error {
	head, err := r.Peek(magic.HeadSize)
	if err != nil && err != io.EOF {
		return err
	}
	fault := errors.New(describe(head))
	if len(w.info.Segments) == 0 {
		return fault
	}
	offset := r.position()
	if w.file == nil {
		if n := bootConfigAhead(r, zeros); n > 0 {
			w.info.BootConfig = n
			w.info.Size = offset + int64(r.Buffered()) - n
			return nil
		}
	}
	if head[0] == '0' && len(head) < cpio.HeaderSize && offset%4 == 0 {
		w.info.Size = offset + int64(len(head))
		w.report(headerCut, Finding{Offset: offset})
		return nil
	}
	if erased, err := skipErased(r); err != nil || !erased {
		return cmp.Or(err, fault)
	}
	w.info.Size = r.position()
	w.report(flashTail, Finding{Offset: offset})
	return nil
}

// ErrNotImage is the error of a file that does not begin as an image does.
var ErrNotImage = errors.New("not an image")

var errNoArchive = errors.New("no archive in it")

// skipZeros skips zero bytes and returns their number, with io.EOF if r ends behind them.
func skipZeros(r *skipReader) (int64, error) {
	return skipAll(r, func(b []byte) int { return len(b) - len(bytes.TrimLeft(b, "\x00")) })
}

// skipErased skips bytes of erased flash and zeros. It reports whether r ends behind them.
func skipErased(r *skipReader) (bool, error) {
	_, err := skipAll(r, func(b []byte) int {
		n := 0
		for n < len(b) && (b[n] == 0 || b[n] == 0xff) { // TrimLeft takes 0xff for any byte that is not UTF-8
			n++
		}
		return n
	})
	if err == io.EOF {
		return true, nil
	}
	return false, err
}

// skipAll skips the bytes that skip counts at the start of its argument. It returns their
// number, with io.EOF if r ends behind them.
func skipAll(r *skipReader, skip func([]byte) int) (int64, error) {
	var n int64
	for {
		if _, err := r.Peek(1); err != nil {
			return n, err
		}
		b, _ := r.Peek(r.Buffered())
		skipped, _ := r.Discard(skip(b))
		n += int64(skipped)
		if skipped < len(b) {
			return n, nil
		}
	}
}

// detect returns the codec of the segment that begins at offset, or nil if no segment does. A
// raw archive must begin at a multiple of 4, and so must a segment behind one.
func detect(r *skipReader, offset int64, afterRaw bool) (*compress.Codec, error) {
	head, err := r.Peek(6)
	if err != nil && err != io.EOF {
		return nil, err
	}
	codec := compress.Detect(head)
	switch {
	case len(head) == 0:
		return nil, errNoArchive
	case codec == nil:
		return nil, nil
	case offset%4 != 0 && codec.Name == compress.None:
		return nil, errors.New("a raw archive has to begin at a multiple of 4")
	case offset%4 != 0 && afterRaw:
		return nil, errors.New("what follows a raw archive has to begin at a multiple of 4")
	}
	return codec, nil
}
