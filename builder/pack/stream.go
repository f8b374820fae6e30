package pack

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"hash"
	"hash/crc32"
	"io"

	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/cache"
)

// stream is a packed archive.
type stream struct {
	size   int64
	sha256 [sha256.Size]byte // of the packed bytes, on request
	crc32  uint32            // of the packed bytes, on request
	cached bool              // it was packed before
}

// compressor compresses archives. Several goroutines use it at once.
type compressor struct {
	cache    *Cache // nil for none
	encoders compress.Encoders
}

// archive is an archive to compress.
type archive struct {
	size int64 // bytes that write produces

	// write writes the archive. The progress is nil if its bytes do not count.
	write func(io.Writer, *progress) error
}

// compress compresses a to w, or copies it from the cache. sums asks for the SHA-256 and
// CRC-32 of what reaches w. On a cache miss, a is written twice (hash, then compress) because
// archives are never buffered. The first time it gets a nil progress.
func (z *compressor) compress(ctx context.Context, w io.Writer, c Codec, a archive, sums bool, p *progress) (stream, error) {
	out := &hashed{w: w}
	if sums {
		out.sha, out.crc = sha256.New(), crc32.NewIEEE()
	}
	if !z.cache.holds(c, a.size) {
		err := z.encode(ctx, out, c, a.size, func(w io.Writer) error { return a.write(w, p) })
		return out.stream(), err
	}
	raw, again := sha256.New(), sha256.New()
	if err := a.write(raw, nil); err != nil {
		return stream{}, err
	}
	key := z.cache.key(c, a.size, raw.Sum(nil))
	if kept := z.cache.dir.Open(key); kept != nil {
		defer kept.Close()
		return copyKept(w, c, kept)
	}
	out.sha = sha256.New()
	keep := z.cache.dir.Create(key)
	defer keep.Close()
	err := z.encode(ctx, io.MultiWriter(out, keep), c, a.size, func(w io.Writer) error {
		return a.write(io.MultiWriter(w, again), p)
	})
	done := out.stream()
	if err == nil && bytes.Equal(raw.Sum(nil), again.Sum(nil)) {
		keep.Keep(done.sha256)
	}
	return done, err
}

// copyKept copies a kept stream to w.
func copyKept(w io.Writer, c Codec, kept *cache.Entry) (stream, error) {
	buffered := bufio.NewReader(kept)
	if c.Command != nil {
		head, _ := buffered.Peek(compress.HeadSize)
		_, window, err := compress.Inspect(head)
		if err != nil {
			return stream{}, err
		}
		c.Command.saw(window)
	}
	out := &hashed{w: w, crc: crc32.NewIEEE()}
	_, err := io.Copy(out, buffered)
	done := out.stream()
	done.sha256, done.cached = kept.SHA256, true
	return done, err
}

// encode compresses the output of write to w. size is its length.
func (z *compressor) encode(ctx context.Context, w io.Writer, c Codec, size int64, write func(io.Writer) error) error {
	if c.Command != nil {
		window, err := c.Command.encode(ctx, w, write)
		c.Command.saw(window)
		return err
	}
	e, err := z.encoders.NewWriter(c.Codec, w, c.options(size))
	if err != nil {
		return err
	}
	if err := write(e); err != nil {
		return err
	}
	return e.Close()
}

// hashed is a writer that counts and hashes the bytes that it passes on.
type hashed struct {
	w   io.Writer
	n   int64
	sha hash.Hash   // nil without a request
	crc hash.Hash32 // the same
}

func (h *hashed) Write(p []byte) (int, error) {
	if h.sha != nil {
		h.sha.Write(p)
	}
	if h.crc != nil {
		h.crc.Write(p)
	}
	h.n += int64(len(p))
	return h.w.Write(p)
}

// stream returns the stream that was written.
func (h *hashed) stream() stream {
	done := stream{size: h.n}
	if h.crc != nil {
		done.crc32 = h.crc.Sum32()
	}
	if h.sha != nil {
		h.sha.Sum(done.sha256[:0])
	}
	return done
}
