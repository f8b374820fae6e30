package envelope

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"strings"
)

// sum is a checksum in an envelope, for a range of the file.
type sum struct {
	algorithm    string
	want         []byte
	offset, size int64
	of           string // name of the range, for messages
}

// algorithms are the hashes of FIT, by their names in U-Boot.
var algorithms = map[string]func() hash.Hash{
	"crc32":  func() hash.Hash { return crc32.NewIEEE() },
	"md5":    md5.New,
	"sha1":   sha1.New,
	"sha256": sha256.New,
	"sha384": sha512.New384,
	"sha512": sha512.New,
}

// Verify reads the ranges that the sums of a part cover, from the opened file r. Its error
// names all damage, with the actual and the expected sums.
func (e *Envelope) Verify(r io.ReaderAt, p *Part) error {
	words := append(e.damage[:len(e.damage):len(e.damage)], p.damage...)
	for _, s := range p.sums {
		h := algorithms[s.algorithm]()
		n, err := io.Copy(h, io.NewSectionReader(r, s.offset, s.size))
		if err != nil {
			return err
		}
		if got := h.Sum(nil); n < s.size {
			if len(p.damage) == 0 { // which says the same
				words = append(words, fmt.Sprintf("the file has %d bytes of %s, which has %d", n, s.of, s.size))
			}
		} else if !bytes.Equal(got, s.want) {
			words = append(words, fmt.Sprintf("the %s of %s is %x, not %x as the %s says", s.algorithm, s.of, got, s.want, e.Format))
		}
	}
	if words == nil {
		return nil
	}
	return errors.New("damaged " + e.Format + ": " + strings.Join(words, "; "))
}
