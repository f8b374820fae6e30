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

// Cache is a directory of archives that earlier builds have compressed.
type Cache struct {
	dir     cache.Dir
	program func() []byte // digest of the running program, nil if it is unknown
}

// worthKeeping is the least size of an archive that is cached, in bytes.
const worthKeeping = 64 << 10

// OpenCache returns the cache in a directory, or in the default one for "".
func OpenCache(dir string) (*Cache, error) {
	d, err := cache.In(dir, "packed")
	if err != nil {
		return nil, err
	}
	return &Cache{d, sync.OnceValue(digestOfProgram)}, nil
}

// Prune removes archives that have not been used for long.
func (c *Cache) Prune() { c.dir.Prune() }

// digestOfProgram returns a digest of the running program. It covers all that affects its
// compression: the libraries, the code that uses them, and the Go compiler.
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

// holds reports whether the cache keeps archives of size bytes that codec compresses. The cache
// may be nil.
func (c *Cache) holds(codec Codec, size int64) bool {
	unknown := codec.Command != nil && codec.Command.Version == ""
	return c != nil && codec.Slow && !unknown && size >= worthKeeping && c.program() != nil
}

// key returns the key of an archive that codec compresses. raw is the archive's digest and size
// its length.
func (c *Cache) key(codec Codec, size int64, raw []byte) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%x %s %+v %x", c.program(), codec.Name, codec.options(size), raw)
	if codec.Command != nil {
		fmt.Fprintf(sum, " %q %q", codec.Command.Words, codec.Command.Version)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
