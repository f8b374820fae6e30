package compress

import (
	"bytes"
	"fmt"
	"io"
	"testing"
)

// An encoder that is used again makes what a new one makes, whatever it has done
// before, with options that suit or not.
func TestEncoders(t *testing.T) {
	data := mixed(2 << 20)
	var e Encoders
	for i, tt := range []struct {
		*Codec
		Options
	}{
		{&zstdCodec, Options{}}, {&zstdCodec, Options{Size: 512 << 10}}, {&lz4Codec, Options{}},
		{&zstdCodec, Options{Small: true}}, {&zstdCodec, Options{Level: 1}}, {&gzipCodec, Options{Level: 1}}, {&zstdCodec, Options{Level: 22}},
		{&xzCodec, Options{}}, {&xzCodec, Options{Size: 512 << 10, Level: 1}}, {&xzCodec, Options{Small: true, Level: 9}}, {&xzCodec, Options{Level: 3}},
	} {
		c, o := tt.Codec, tt.Options
		t.Run(fmt.Sprintf("%s %+v", c.Name, o), func(t *testing.T) {
			given := data[i<<16 : i<<16+512<<10]
			var got bytes.Buffer
			for _, p := range [][]byte{data[1<<20:], given} {
				got.Reset()
				w, err := e.NewWriter(c, &got, o)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := w.Write(p); err != nil {
					t.Fatal(err)
				}
				if err := w.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(got.Bytes(), encode(t, c, given, o)) {
				t.Error("other bytes than those of a new encoder")
			}
		})
	}
	if _, err := e.NewWriter(&zstdCodec, io.Discard, Options{Level: 99}); err == nil {
		t.Error("it takes level 99")
	}
}
