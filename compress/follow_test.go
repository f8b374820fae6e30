package compress

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz/lzma"
)

// stream is data that was packed.
type stream struct {
	name   string
	codec  *Codec
	packed []byte
}

// streams packs data in every format that is read, by the system's tools where there is
// no writer at hand.
func streams(t testing.TB, data []byte) []stream {
	t.Helper()
	var all []stream
	for _, c := range packed() {
		all = append(all, stream{c.Name, c, encode(t, c, data, Options{Level: 1})})
	}
	return append(all,
		stream{"bzip2", &bzip2Codec, run(t, data, "bzip2", "-c")},
		stream{"lzma", &lzmaCodec, packLZMA(t, data, lzma.WriterConfig{EOSMarker: true})},
		stream{"lzma with its size", &lzmaCodec, packLZMA(t, data, lzma.WriterConfig{Size: int64(len(data)), SizeInHeader: true})},
		stream{"lzo", &lzoCodec, run(t, data, "lzop", "-c")},
		stream{"lz4 frame", &lz4FrameCodec, packLZ4Frame(t, data)},
	)
}

func packLZMA(t testing.TB, data []byte, config lzma.WriterConfig) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := config.NewWriter(&b)
	if err != nil {
		t.Fatal(err)
	}
	return pour(t, w, data, &b)
}

func packLZ4Frame(t testing.TB, data []byte) []byte {
	var b bytes.Buffer
	return pour(t, lz4.NewWriter(&b), data, &b)
}

func pour(t testing.TB, w io.WriteCloser, data []byte, to *bytes.Buffer) []byte {
	t.Helper()
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return to.Bytes()
}

// A reader stops where the kernel's decompressor stops, whatever comes next, and leaves
// that alone. Only lz4 looks at what comes next, and so does the kernel.
func TestFollowed(t *testing.T) {
	first, second := mixed(70_000), []byte("second")
	followers := append(streams(t, second), stream{"nothing", nil, nil}, stream{"a raw archive", &noneCodec, []byte("070701")})
	for _, a := range streams(t, first) {
		for _, b := range followers {
			for _, zeros := range []int{0, 1, 2, 3, 4, 512} {
				t.Run(fmt.Sprintf("%s, %d zeros, %s", a.name, zeros, b.name), func(t *testing.T) {
					behind := append(make([]byte, zeros), b.packed...)
					want, left, fails := first, behind, false
					if a.codec == &lz4Codec {
						switch {
						case zeros == 0 && b.codec == &lz4Codec:
							want, left = slices.Concat(first, second), nil
						case zeros < 4 && b.codec != nil:
							fails = true
						}
					}
					image := slices.Concat(a.packed, behind)
					if fails {
						if _, err := decodeBytes(a.codec, image); err == nil {
							t.Error("got no error, and the kernel fails")
						}
						return
					}
					testEnd(t, a.codec, image, want, left)
				})
			}
		}
	}
}

// testEnd checks that a stream unpacks to want and that left is left behind it.
func testEnd(t *testing.T, c *Codec, image, want, left []byte) {
	r := bufio.NewReader(bytes.NewReader(image))
	got, err := decode(c, r)
	if err != nil || !bytes.Equal(got, want) {
		t.Fatalf("got %d bytes and error %v, want %d bytes", len(got), err, len(want))
	}
	if rest, _ := io.ReadAll(r); !bytes.Equal(rest, left) {
		t.Errorf("%d bytes are left, want %d", len(rest), len(left))
	}
	r = bufio.NewReader(bytes.NewReader(image))
	if known, err := c.Skip(r); known {
		if rest, _ := io.ReadAll(r); err != nil || !bytes.Equal(rest, left) {
			t.Errorf("Skip leaves %d bytes with error %v, want %d", len(rest), err, len(left))
		}
	}
}

// Every byte of a stream belongs to it: one that is cut off anywhere is an error.
func TestReadOnlyTruncated(t *testing.T) {
	for _, s := range streams(t, mixed(3000)) {
		if s.codec.writer != nil {
			continue // TestTruncated
		}
		for n := range s.packed {
			if got, err := decodeBytes(s.codec, s.packed[:n]); err == nil {
				t.Errorf("%s: %d of %d bytes: got %d bytes, want an error", s.name, n, len(s.packed), len(got))
			} else if !strings.HasPrefix(err.Error(), s.codec.Name+": ") {
				t.Errorf("%s: %d of %d bytes: got error %q, want it to begin with %q", s.name, n, len(s.packed), err, s.codec.Name+": ")
			}
		}
	}
}
