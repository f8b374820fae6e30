package cpio

import (
	"bytes"
	"fmt"
	"io"
	"testing"
)

// tree is a root of many small files, where headers are most of the work.
func tree() []entry {
	var all []entry
	for i := range 10_000 {
		e := entry{Header{
			Name: fmt.Sprintf("usr/lib/directory%03d/file%05d.conf", i/100, i), Ino: uint32(i), Mode: TypeFile | 0o644, Nlink: 1,
		}, "some text"}
		e.Size = int64(len(e.Body))
		all = append(all, e)
	}
	return all
}

func BenchmarkWriter(b *testing.B) {
	all := tree()
	body := []byte(all[0].Body)
	b.SetBytes(int64(len(archive(b, all))))
	for b.Loop() {
		w := NewWriter(io.Discard)
		for i := range all {
			if err := w.WriteHeader(&all[i].Header); err != nil {
				b.Fatal(err)
			}
			if _, err := w.Write(body); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkReader(b *testing.B) {
	data := archive(b, tree())
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		r := NewReader(bytes.NewReader(data))
		for {
			_, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
