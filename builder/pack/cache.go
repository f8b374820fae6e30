package pack

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/mkinitfs/mkinitfs/internal/cache"
)

// Cache is a directory of archives that have been compressed before.
type Cache struct {
	dir     cache.Dir
	program func() []byte // digest of the running one, nil if that cannot be told
}

// worthKeeping is the least size of an archive that is looked for in the cache, in bytes.
const worthKeeping = 64 << 10

// OpenCache returns the cache in a directory, "" for the default one.
func OpenCache(dir string) (*Cache, error) {
	d, err := cache.In(dir, "packed")
	if err != nil {
		return nil, err
	}
	return &Cache{d, sync.OnceValue(digestOfProgram)}, nil
}

// Prune removes what has not been used for long.
func (c *Cache) Prune() { c.dir.Prune() }

// digestOfProgram stands for everything that decides how this program compresses: the
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

// holds reports whether archives of size bytes that codec compresses are in the cache, which
// may be nil.
func (c *Cache) holds(codec Codec, size int64) bool {
	unknown := codec.Command != nil && codec.Command.Version == ""
	return c != nil && codec.Slow && !unknown && size >= worthKeeping && c.program() != nil
}

// key names an archive with the digest raw, compressed by codec. size is its length.
func (c *Cache) key(codec Codec, size int64, raw []byte) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%x %s %+v %x", c.program(), codec.Name, codec.options(size), raw)
	if codec.Command != nil {
		fmt.Fprintf(sum, " %q %q", codec.Command.Words, codec.Command.Version)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
