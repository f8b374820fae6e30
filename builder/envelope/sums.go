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
	"slices"
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

// Sum is a checksum that was compared.
type Sum struct {
	Algorithm string
	Of        string // name of the range that it covers
	Damage    string // the actual and the expected sum if they differ, else ""
	Cut       bool   // the file ends in the range
}

// Sums compares the sums of a part. It reads the ranges that they cover from the opened file r.
// damage is what else is wrong with the envelope and the part.
func (e *Envelope) Sums(r io.ReaderAt, p *Part) (sums []Sum, damage []string, err error) {
	for _, s := range p.sums {
		h := algorithms[s.algorithm]()
		n, err := io.Copy(h, io.NewSectionReader(r, s.offset, s.size))
		if err != nil {
			return nil, nil, err
		}
		c := Sum{Algorithm: s.algorithm, Of: s.of}
		if got := h.Sum(nil); n < s.size {
			c.Cut, c.Damage = true, fmt.Sprintf("the file has %d bytes of %s, which has %d", n, s.of, s.size)
		} else if !bytes.Equal(got, s.want) {
			c.Damage = fmt.Sprintf("the %s of %s is %x, not %x as the %s says", s.algorithm, s.of, got, s.want, e.Format)
		}
		sums = append(sums, c)
	}
	return sums, slices.Concat(e.damage, p.damage), nil
}

// Verify is [Envelope.Sums] with an error that names all damage.
func (e *Envelope) Verify(r io.ReaderAt, p *Part) error {
	sums, words, err := e.Sums(r, p)
	if err != nil {
		return err
	}
	for _, s := range sums {
		if s.Damage != "" && !(s.Cut && len(p.damage) > 0) { // which says the same
			words = append(words, s.Damage)
		}
	}
	if words == nil {
		return nil
	}
	return errors.New("damaged " + e.Format + ": " + strings.Join(words, "; "))
}
