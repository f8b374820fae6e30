// Package compress writes and reads the formats of an initramfs that the kernel unpacks. Each
// codec is one file and one row in a table. Its comment states what the kernel's decompressor
// demands.
//
// A stream holds one or more whole archives. A writer makes the same bytes from the same data,
// level and options on every machine. A reader stops exactly at the end of the stream, because
// another stream, a raw archive or padding may follow in an image. Readers are more lenient
// than the kernel: some codecs are only read, and a [Note] names parts of a stream that not
// all kernels accept.
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
	Suffix   string // usual ending of file names, such as ".gz", or ""
	Config   string // the option of a kernel that takes it, "" if it needs none or none takes it
	MaxLevel int    // levels are 1 to MaxLevel; 0: the codec takes no level
	Checked  bool   // a stream has a check that shows damage, unless a Note says otherwise
	Slow     bool   // packing takes longer than a look into the cache

	firmware [2]int // the first Linux, major and minor, that loads firmware in it; 0 for none

	rare   bool                                             // kernels in use lack it
	level  int                                              // the default
	magic  []string                                         // what a stream begins with
	begin  string                                           // what most streams begin with, and little else
	gap    int                                              // zero bytes between a stream and anything in another codec
	writer func(io.Writer, Options) (io.WriteCloser, error) // nil if it is only read
	reader func(*bufio.Reader, *notes) (io.ReadCloser, error)
	pieces func() pieces // of a stream; nil if only decoding tells where it ends
	window func(Options) int64
	buffer int64               // that the kernel's decompressor has, whatever the window
	memory func(Options) int64 // that an encoder takes; nil for little

	// inspect returns the window of a stream from its head, or a Refused. It is nil for codecs
	// that too few kernels know.
	inspect func(c *Codec, head []byte) (int64, error)

	parameters func(head []byte) Parameters // nil if the head says nothing of interest
}

// Options of a stream to be written.
type Options struct {
	Level int   // 0 is the codec's default
	Size  int64 // bytes that will be written, 0 if unknown; a window need not be larger
	Small bool  // for a 32-bit machine with little memory: a window of 1 MiB at most
}

// maxWindow is the most memory in bytes that a reader allocates for a stream. It is the
// largest window that the kernel's zstd accepts (lib/decompress_unzstd.c).
const maxWindow = 128 << 20

var codecs = []*Codec{&gzipCodec, &zstdCodec, &xzCodec, &lz4Codec, &bzip2Codec, &lzmaCodec, &lzoCodec, &lz4FrameCodec, &noneCodec}

// Lookup returns the codec called name. It must be one that can be written.
func Lookup(name string) (*Codec, error) {
	for _, c := range codecs {
		if c.Name == name && c.writer != nil {
			return c, nil
		}
	}
	return nil, fmt.Errorf("unknown codec %q (known are %s)", name, strings.Join(Names(), ", "))
}

// Named returns the codec that the suffix of path stands for, or nil.
func Named(path string) *Codec {
	for _, c := range codecs {
		if c.Suffix != "" && strings.HasSuffix(path, c.Suffix) {
			return c
		}
	}
	return nil
}

// Names returns the names of the codecs that can be written.
func Names() []string {
	var names []string
	for _, c := range codecs {
		if c.writer != nil {
			names = append(names, c.Name)
		}
	}
	return names
}

// Firmware returns the suffixes of compressed firmware, in the order in which the kernel tries
// them (drivers/base/firmware_loader/main.c). since reports whether the kernel is of a version or
// newer.
func Firmware(since func(major, minor int) bool) []string {
	var suffixes []string
	for _, c := range codecs {
		if c.firmware[0] > 0 && since(c.firmware[0], c.firmware[1]) {
			suffixes = append(suffixes, c.Suffix)
		}
	}
	return suffixes
}

// Detect returns the codec of data that begins with head, or nil if it knows none. It needs 6
// bytes. It compares the bytes that the kernel compares (lib/decompress.c), and some more. The
// codec of a raw cpio archive is none.
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

// NewWriter returns a writer that compresses data into w. Its Close ends the stream and leaves
// w open.
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

// NewReader returns a reader of the one stream that begins where r stands. Once Read has
// returned io.EOF, r stands at the first byte behind the stream. Damaged and cut streams are
// errors. r needs a buffer of 1 KiB.
//
// Two codecs have no end mark: none takes all of r, and lz4 ends where the kernel would end
// it.
//
// It allocates at most 128 MiB for a stream. A stream that needs more is an error that says
// how much.
func (c *Codec) NewReader(r *bufio.Reader) (*Reader, error) {
	n := new(notes)
	if c.rare {
		n.add(NoteConfig, "only kernels with "+c.Config+" take it")
	}
	d, err := c.reader(r, n)
	if err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, c.fault(err)
	}
	return &Reader{d, c, n}, nil
}

// Skip skips the one stream that begins where r stands. It decodes nothing and checks little,
// so it does not see damage. For a codec with streams that end where decoding ends, it reports
// false and does not move r.
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

// Guess moves r to the place where the next stream seems to begin, if there is one: bytes
// within a stream can look like the start of another. It serves codecs that cannot Skip, and
// reports false for all others.
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

// Pad returns the number of zero bytes between a stream that ends at offset end of the image
// and a segment in the codec next, or nil for the end of the image, where a boot loader may
// append anything. With them the kernel finds the next segment, which begins at a multiple of
// 4 as raw archives must. Streams of a codec with a gap are one to the kernel if there is
// nothing between them.
func (c *Codec) Pad(end int64, next *Codec) int {
	if c.gap > 0 && c == next {
		return 0
	}
	end += int64(c.gap)
	return c.gap + int(-end&3)
}

// Window returns how many bytes of its output a decoder of such a stream must keep. Its fixed
// state comes on top.
func (c *Codec) Window(o Options) int64 { return c.window(c.withLevel(o)) }

// Memory returns how many bytes of output the kernel's decompressor keeps for a stream whose
// window has the given size.
func (c *Codec) Memory(window int64) int64 { return max(window, c.buffer) }

// EncoderMemory returns how many bytes an encoder of such a stream takes, roughly.
func (c *Codec) EncoderMemory(o Options) int64 {
	if c.memory == nil {
		return fewMemory
	}
	return c.memory(c.withLevel(o))
}

// fewMemory is what an encoder takes whose window is small.
const fewMemory = 2 << 20

func (c *Codec) withLevel(o Options) Options {
	if o.Level < 1 || o.Level > c.MaxLevel {
		o.Level = c.level
	}
	return o
}

// Reader reads one stream.
type Reader struct {
	decoder io.ReadCloser
	codec   *Codec
	notes   *notes
}

// Read reads unpacked data. Its errors begin with the codec's name.
func (r *Reader) Read(p []byte) (int, error) {
	n, err := r.decoder.Read(p)
	if err != nil && err != io.EOF {
		err = r.codec.fault(err)
	}
	return n, err
}

// Close frees the decoder. It does not read to the end of the stream.
func (r *Reader) Close() error { return r.decoder.Close() }

// Notes returns the notes on the stream so far, each once and in the order of the stream. They
// are complete once Read has returned an error or io.EOF.
func (r *Reader) Notes() []Note { return r.notes.all }

func (c *Codec) fault(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = fmt.Errorf("%w: cut short", err)
	}
	if strings.HasPrefix(err.Error(), c.Name+": ") {
		return err
	}
	return fmt.Errorf("%s: %w", c.Name, err)
}

// tooLarge returns the error of a stream that needs more memory than a reader allocates.
func tooLarge(what string, size int64) error {
	return fmt.Errorf("%s of %s, more than %s", what, mib(size), mib(maxWindow))
}

// mib returns a size in whole MiB, rounded up.
func mib(size int64) string { return fmt.Sprintf("%d MiB", (size+1<<20-1)>>20) }
