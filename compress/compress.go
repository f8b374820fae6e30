// Package compress writes and reads the formats that the kernel unpacks an
// initramfs from. One file per codec, one row in one table; each codec's comment
// states what the kernel's decompressor demands of it.
//
// A stream holds one or more whole archives. Its writer makes the same bytes of
// the same data, level and options wherever it runs. Its reader stops exactly
// where the stream stops, because an image is a run of streams and what follows
// one of them may be another, a raw archive or padding. Reading is as lenient as
// the libraries are: it takes what the kernel would not, such as xz with CRC64.
package compress

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Codec is one format.
type Codec struct {
	Name     string
	MaxLevel int  // levels are 1 to MaxLevel; 0: the codec takes no level
	Checked  bool // a stream has a check by which damage is noticed
	Slow     bool // packing takes longer than looking for what was packed before

	level  int      // the default
	magic  []string // what a stream begins with
	begin  string   // what most streams begin with, and little else
	gap    int      // zero bytes that have to follow a stream
	writer func(io.Writer, Options) (io.WriteCloser, error)
	reader func(*bufio.Reader) (io.ReadCloser, error)
	pieces func() pieces // of a stream; nil if only decoding tells where it ends
	window func(Options) int64
}

// Options of a stream to be written.
type Options struct {
	Level int   // 0 is the codec's default
	Size  int64 // bytes that will be written, 0 if unknown; a window need not be larger
	Small bool  // for a 32-bit machine with little memory: a window of 1 MiB at most
}

// maxWindow bounds what a reader allocates because a stream says so. It is the
// largest window that the kernel's zstd takes (lib/decompress_unzstd.c).
const maxWindow = 128 << 20

var codecs = []*Codec{&gzipCodec, &zstdCodec, &xzCodec, &lz4Codec, &noneCodec}

// Lookup returns the codec called name.
func Lookup(name string) (*Codec, error) {
	for _, c := range codecs {
		if c.Name == name {
			return c, nil
		}
	}
	return nil, fmt.Errorf("unknown codec %q (known are %s)", name, strings.Join(Names(), ", "))
}

// Names returns the names of all codecs.
func Names() []string {
	var names []string
	for _, c := range codecs {
		names = append(names, c.Name)
	}
	return names
}

// Detect returns the codec of data that begins with head, of which it wants 6
// bytes, or nil if it knows none. A raw cpio archive is of the codec none.
func Detect(head []byte) *Codec {
	for _, c := range codecs {
		for _, m := range c.magic {
			if strings.HasPrefix(string(head), m) {
				return c
			}
		}
	}
	return nil
}

// NewWriter returns a writer that compresses what is written to it onto w. Its
// Close ends the stream and leaves w open.
func (c *Codec) NewWriter(w io.Writer, o Options) (io.WriteCloser, error) {
	if err := c.check(o); err != nil {
		return nil, err
	}
	return c.writer(w, c.withLevel(o))
}

func (c *Codec) check(o Options) error {
	switch {
	case o.Level != 0 && c.MaxLevel == 0:
		return fmt.Errorf("%s: takes no level", c.Name)
	case o.Level < 0 || o.Level > c.MaxLevel:
		return fmt.Errorf("%s: level %d is not in 1 to %d", c.Name, o.Level, c.MaxLevel)
	}
	return nil
}

// NewReader returns a reader of the one stream that begins where r stands. Once
// it has returned io.EOF, r stands at the first byte behind the stream. Damage
// and a stream that is cut off are errors. r needs room for 1 KiB.
//
// Two codecs have no end of their own: none takes all of r, and lz4 ends as the
// kernel ends it.
func (c *Codec) NewReader(r *bufio.Reader) (io.ReadCloser, error) {
	d, err := c.reader(r)
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, c.fault(err)
	}
	return &reader{d, c}, nil
}

// Skip passes over the one stream that begins where r stands. It decodes nothing
// and looks at little, so that damage goes unseen. For a codec whose streams end
// where decoding ends it reports false and leaves r where it stands.
func (c *Codec) Skip(r interface {
	peeker
	Discard(n int) (int, error)
}) (bool, error) {
	if c.pieces == nil {
		return false, nil
	}
	next := c.pieces()
	for {
		n, err := next(r)
		if err == io.EOF {
			return true, nil
		}
		if err == nil {
			_, err = r.Discard(int(n))
		}
		if err != nil {
			return true, c.fault(cut(err))
		}
	}
}

// Guess passes on to where the next stream seems to begin, if one does: what is within
// a stream can look like the beginning of another. It is for codecs that cannot Skip,
// and reports false for all others.
func (c *Codec) Guess(r interface {
	peeker
	Buffered() int
	Discard(n int) (int, error)
}) bool {
	if c.begin == "" {
		return false
	}
	r.Discard(1)
	for {
		if _, err := r.Peek(len(c.begin)); err != nil {
			return false
		}
		b, _ := r.Peek(r.Buffered())
		if i := bytes.Index(b, []byte(c.begin)); i >= 0 {
			r.Discard(i)
			return true
		}
		r.Discard(len(b) - len(c.begin) + 1)
	}
}

// Pad returns how many zero bytes have to follow a stream that ends at offset
// end of the image, so that the next one begins at a multiple of 4, which a raw
// archive needs, and so that the kernel finds it.
func (c *Codec) Pad(end int64) int {
	end += int64(c.gap)
	return c.gap + int(-end&3)
}

// Window returns how many bytes of what it has unpacked a decoder of such a
// stream must hold; its fixed state comes on top.
func (c *Codec) Window(o Options) int64 { return c.window(c.withLevel(o)) }

func (c *Codec) withLevel(o Options) Options {
	if o.Level < 1 || o.Level > c.MaxLevel {
		o.Level = c.level
	}
	return o
}

// reader puts the codec's name before each error of a decoder.
type reader struct {
	io.ReadCloser
	codec *Codec
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = r.codec.fault(err)
	}
	return n, err
}

func (c *Codec) fault(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: cut short", err)
	}
	if strings.HasPrefix(err.Error(), c.Name+": ") {
		return err
	}
	return fmt.Errorf("%s: %w", c.Name, err)
}
