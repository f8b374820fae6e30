//go:build linux

package image

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// benchImages are files with a root of 64 MiB: few large files and many small ones, in
// members and in one archive.
func benchImages(b *testing.B) map[string]string {
	b.Helper()
	rng := rand.New(rand.NewPCG(1, 2))
	const half = 4 << 20 // of a member
	var all []string
	var members [][]byte
	for m := range 8 {
		var words []string
		add := func(i, size int) {
			content := bytes.Repeat(fmt.Appendf(nil, "%d words and %d more; ", rng.IntN(1000), i), size/16)[:size]
			words = append(words, fmt.Sprintf("m%d-file%04d=%s", m, i, content))
		}
		for i := range 400 {
			add(i, half/400)
		}
		add(400, half)
		all = append(all, words...)
		members = append(members, pack(b, "zstd", archive(b, words...)))
	}
	dir := b.TempDir()
	files := map[string]string{}
	for name, data := range map[string][]byte{"raw": archive(b, all...), "zstd members": archive(b, append([]string{planFor(b, members...)}, payloadOf(members...)...)...)} {
		files[name] = filepath.Join(dir, name)
		if err := os.WriteFile(files[name], data, 0o644); err != nil {
			b.Fatal(err)
		}
	}
	return files
}

const benchBytes = 64 << 20

func BenchmarkList(b *testing.B) {
	for name, file := range benchImages(b) {
		b.Run(name, func(b *testing.B) {
			f := open(b, file)
			b.SetBytes(benchBytes)
			for b.Loop() {
				if _, _, err := List(f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkExtract unpacks into a directory of $TMPDIR, which is best on a tmpfs.
func BenchmarkExtract(b *testing.B) {
	for name, file := range benchImages(b) {
		b.Run(name, func(b *testing.B) {
			f := open(b, file)
			dir := b.TempDir()
			b.SetBytes(benchBytes)
			for b.Loop() {
				root, err := os.MkdirTemp(dir, "")
				if err != nil {
					b.Fatal(err)
				}
				x := Extraction{Dir: open(b, root)}
				if err := x.Extract(b.Context(), f); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				os.RemoveAll(root)
				b.StartTimer()
			}
		})
	}
}

func open(b testing.TB, name string) *os.File {
	b.Helper()
	f, err := os.Open(name)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	return f
}
