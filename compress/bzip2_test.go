package compress

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"io"
	"testing"
)

// The patterns that begin a block and the end of a stream differ wherever they overlap
// by less than a byte, so that a block is never taken for an end.
func TestBzip2Patterns(t *testing.T) {
	for shift := 1; shift < 8; shift++ {
		const low = 1<<48 - 1
		if (uint64(bzip2Block)^bzip2End<<shift)&low>>shift<<shift == 0 {
			t.Errorf("the end looks like a block that begins %d bits before", shift)
		}
		if (uint64(bzip2Block)<<shift^bzip2End)&low>>shift<<shift == 0 {
			t.Errorf("the end looks like a block that begins %d bits behind", shift)
		}
	}
}

// A stream ends at any bit of its last byte.
func TestBzip2Ends(t *testing.T) {
	const behind = "BZh9 and more"
	for n := range 64 {
		want := mixed(n * 40)
		z := run(t, want, "bzip2", "-c")
		r := bufio.NewReader(bytes.NewReader(append(z, behind...)))
		got, err := decode(&bzip2Codec, r)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes: got %d bytes and error %v", len(want), len(got), err)
		}
		if rest, _ := io.ReadAll(r); string(rest) != behind {
			t.Errorf("%d bytes: got %q behind the stream, want %q", len(want), rest, behind)
		}
	}
}

// The library joins what follows a stream. Our streams one after the other unpack to
// the same, or both are an error.
func FuzzBzip2(f *testing.F) {
	for _, data := range [][]byte{nil, []byte("x"), mixed(2000), mixed(250_000)} {
		z := run(f, data, "bzip2", "-1", "-c")
		f.Add(z)
		f.Add(append(bytes.Clone(z), z...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const most = 4 << 20
		want, wantErr := io.ReadAll(io.LimitReader(bzip2.NewReader(bytes.NewReader(data)), most))
		if len(want) == most {
			return
		}
		var got []byte
		var err error
		r := bufio.NewReader(bytes.NewReader(data))
		for err == nil {
			if _, end := r.Peek(1); end != nil && len(got)+len(data) > 0 {
				break
			}
			var more []byte
			more, err = decode(&bzip2Codec, r)
			got = append(got, more...)
		}
		if (err == nil) != (wantErr == nil && len(data) > 0) || err == nil && !bytes.Equal(got, want) {
			t.Errorf("got %d bytes and error %v, want %d and %v", len(got), err, len(want), wantErr)
		}
	})
}
