package builder

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/cache"
)

// packedCache is a folder of archives that have been compressed before.
type packedCache struct {
	cache.Folder
	program func() []byte // digest of the running one, nil if that cannot be told
}

// worthKeeping is how large an archive has to be to be looked for in the cache.
const worthKeeping = 64 << 10

func newPackedCache(dir string) *packedCache {
	if dir == "" {
		return nil
	}
	return &packedCache{cache.Folder(dir), sync.OnceValue(digestOfProgram)}
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

// pack compresses what write writes to w, or copies that from the cache. size is the
// length of what write writes. For something new write is called twice, as no archive
// is held in memory: first to tell which one it is, without p.
func (b *build) pack(ctx context.Context, w io.Writer, c codec, size int64, p *progress, write func(io.Writer, *progress) error) (cached bool, err error) {
	unknown := c.command != nil && c.command.version == ""
	if b.cache == nil || !c.Slow || unknown || size < worthKeeping || b.cache.program() == nil {
		return false, b.encode(ctx, w, c, size, func(w io.Writer) error { return write(w, p) })
	}
	raw, again := sha256.New(), sha256.New()
	if err := write(raw, nil); err != nil {
		return false, err
	}
	key := b.cache.key(c, size, raw.Sum(nil))
	if r := b.cache.Open(key); r != nil {
		defer r.Close()
		buffered := bufio.NewReader(r)
		if c.command != nil {
			head, _ := buffered.Peek(compress.HeadSize)
			_, window, err := compress.Inspect(head)
			if err != nil {
				return false, err
			}
			c.command.saw(window)
		}
		_, err := io.Copy(w, buffered)
		return true, err
	}
	keep := b.cache.Create(key)
	defer keep.Close()
	err = b.encode(ctx, io.MultiWriter(w, keep), c, size, func(w io.Writer) error {
		return write(io.MultiWriter(w, again), p)
	})
	if err == nil && bytes.Equal(raw.Sum(nil), again.Sum(nil)) {
		keep.Keep()
	}
	return false, err
}

// packMember is pack for a member.
func (b *build) packMember(ctx context.Context, w io.Writer, c codec, m member, p *progress) (cached bool, err error) {
	cached, err = b.pack(ctx, w, c, m.size, p, func(w io.Writer, p *progress) error {
		return b.writeArchive(ctx, p.through(w), m.entries)
	})
	if cached {
		p.add(m.size)
	}
	return cached, err
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
