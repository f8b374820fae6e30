package builder

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"sync"

	"github.com/mkinitfs/mkinitfs/builder/layout"
	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/cache"
)

// packedCache is a directory of archives that have been compressed before.
type packedCache struct {
	cache.Dir
	program func() []byte // digest of the running one, nil if that cannot be told
}

// worthKeeping is how large an archive has to be to be looked for in the cache.
const worthKeeping = 64 << 10

// openCache finds what has been compressed before, if the image wants any of it. Without
// a place for that it warns and goes on.
func (b *build) openCache() {
	if b.options.Recompress || b.options.Cache == "" && !b.options.WantCache || !b.outer.Slow && !b.payload.Slow {
		return
	}
	dir, err := cache.In(b.options.Cache, "packed")
	if err != nil {
		b.unkept = err
		b.report.Warnings = append(b.report.Warnings, fmt.Sprintf("nothing is kept for the next build: %v", err))
		return
	}
	b.cache = &packedCache{dir, sync.OnceValue(digestOfProgram)}
}

// digestOfProgram stands for all that decides how this program compresses: the
// libraries, how they are used here, and the Go that compiled both.
func digestOfProgram() []byte {
	file, err := os.Open("/proc/self/exe")
	if err != nil {
		return nil
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return nil
	}
	return sum.Sum(nil)
}

// key names an archive with the digest raw, compressed by c. size is its length.
func (p *packedCache) key(c codec, size int64, raw []byte) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%x %s %+v %x", p.program(), c.Name, c.options(size), raw)
	if c.command != nil {
		fmt.Fprintf(sum, " %q %q", c.command.words, c.command.version)
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// packed is an archive after it was packed.
type packed struct {
	size   int64
	sha256 [sha256.Size]byte // of the packed bytes, if it was asked for
	crc32  uint32            // of the same, if it was asked for
	cached bool              // it was packed before
}

// pack compresses what write writes to w, or copies that from the cache. size is the
// length of what write writes; sum asks for the SHA-256 and CRC-32 of what reaches w,
// which are computed once. On a cache miss, write runs twice (hash, then compress) because
// archives are never buffered. The first run gets a nil p.
func (b *build) pack(ctx context.Context, w io.Writer, c codec, size int64, sum bool, p *progress, write func(io.Writer, *progress) error) (packed, error) {
	out := &summer{w: w}
	if sum {
		out.sha, out.crc = sha256.New(), crc32.NewIEEE()
	}
	unknown := c.command != nil && c.command.version == ""
	if b.cache == nil || !c.Slow || unknown || size < worthKeeping || b.cache.program() == nil {
		err := b.encode(ctx, out, c, size, func(w io.Writer) error { return write(w, p) })
		return out.packed(), err
	}
	raw, again := sha256.New(), sha256.New()
	if err := write(raw, nil); err != nil {
		return packed{}, err
	}
	key := b.cache.key(c, size, raw.Sum(nil))
	if kept := b.cache.Open(key); kept != nil {
		defer kept.Close()
		return copyKept(w, c, kept)
	}
	out.sha = sha256.New()
	keep := b.cache.Create(key)
	defer keep.Close()
	err := b.encode(ctx, io.MultiWriter(out, keep), c, size, func(w io.Writer) error {
		return write(io.MultiWriter(w, again), p)
	})
	done := out.packed()
	if err == nil && bytes.Equal(raw.Sum(nil), again.Sum(nil)) {
		keep.Keep(done.sha256)
	}
	return done, err
}

// copyKept copies what is kept to w.
func copyKept(w io.Writer, c codec, kept *cache.Entry) (packed, error) {
	buffered := bufio.NewReader(kept)
	if c.command != nil {
		head, _ := buffered.Peek(compress.HeadSize)
		_, window, err := compress.Inspect(head)
		if err != nil {
			return packed{}, err
		}
		c.command.saw(window)
	}
	out := &summer{w: w, crc: crc32.NewIEEE()}
	_, err := io.Copy(out, buffered)
	done := out.packed()
	done.sha256, done.cached = kept.SHA256, true
	return done, err
}

// packMember is pack for a member.
func (b *build) packMember(ctx context.Context, w io.Writer, c codec, m layout.Member, sum bool, p *progress) (packed, error) {
	done, err := b.pack(ctx, w, c, m.Size, sum, p, func(w io.Writer, p *progress) error {
		return writeArchive(ctx, p.through(w), m.Items, b.foreign)
	})
	if done.cached {
		p.add(m.Size)
	}
	return done, err
}

// encode compresses what write writes to w. size is its length.
func (b *build) encode(ctx context.Context, w io.Writer, c codec, size int64, write func(io.Writer) error) error {
	if c.command != nil {
		window, err := c.command.encode(ctx, w, write)
		c.command.saw(window)
		return err
	}
	z, err := b.encoders.NewWriter(c.Codec, w, c.options(size))
	if err != nil {
		return err
	}
	if err := write(z); err != nil {
		return err
	}
	return z.Close()
}
