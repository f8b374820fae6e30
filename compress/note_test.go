package compress

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/ulikunitz/xz/lzma"
)

func TestNotes(t *testing.T) {
	data := mixed(10_000)
	tail := packLZMA(t, data, lzma.WriterConfig{EOSMarker: true})
	binary.LittleEndian.PutUint64(tail[5:], uint64(len(data)))
	named := run(t, data, "gzip", "-c")
	named = append([]byte("\x1f\x8b\x08\x10\x00\x00\x00\x00\x00\x03comment\x00"), named[10:]...)
	for _, test := range []struct {
		name   string
		packed []byte
		want   []Note
	}{
		{"gzip", encode(t, &gzipCodec, data, Options{}), nil},
		{"gzip with a comment", named, []Note{{NoteRefused, "header with more than a name: kernels do not skip it"}}},
		{"zstd", encode(t, &zstdCodec, data, Options{}), nil},
		{"zstd without a checksum", run(t, data, "zstd", "-c", "--no-check"), []Note{{NoteUnchecked, "no checksum: damage goes unseen"}}},
		{"zstd with a large window", run(t, data, "zstd", "-c", "--ultra", "-22", "--long=27"), []Note{{NoteMemory, "window of 128 MiB: the kernel allocates it while it unpacks"}}},
		{"lz4", encode(t, &lz4Codec, data, Options{}), nil},
		{"lz4 frame", packLZ4Frame(t, data), []Note{{NoteRefused, `frame format: no kernel takes it ("lz4 -l" writes what kernels take)`}}},
		{"bzip2", run(t, data, "bzip2", "-c"), []Note{{NoteConfig, "only kernels with CONFIG_RD_BZIP2 take it"}}},
		{"lzma", run(t, data, "xz", "-c", "--format=lzma", "-9"), []Note{
			{NoteConfig, "only kernels with CONFIG_RD_LZMA take it"},
			{NoteMemory, "window of 64 MiB: the kernel allocates it while it unpacks"},
		}},
		{"lzo", run(t, data, "lzop", "-c"), []Note{{NoteConfig, "only kernels with CONFIG_RD_LZO take it"}}},
		{"lzo without checksums", run(t, data, "lzop", "-F", "-c"), []Note{
			{NoteConfig, "only kernels with CONFIG_RD_LZO take it"},
			{NoteRefused, "other than one checksum a block: no kernel takes it (lzop without -C and -F writes what kernels take)"},
			{NoteUnchecked, "no checksum: damage goes unseen"},
		}},
		{"lzma with a size and a marker", tail, []Note{
			{NoteConfig, "only kernels with CONFIG_RD_LZMA take it"},
			{NoteTail, "an end marker behind the size that the header gives: a kernel stops before the marker and loses what follows"},
		}},
	} {
		c := Detect(test.packed)
		if c == nil {
			t.Fatalf("%s: not detected", test.name)
		}
		r, err := c.NewReader(bufio.NewReader(bytes.NewReader(test.packed)))
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: got %d bytes and error %v, want %d bytes", test.name, len(got), err, len(data))
		}
		if diff := cmp.Diff(test.want, r.Notes()); diff != "" {
			t.Errorf("%s: -want +got\n%s", test.name, diff)
		}
		r.Close()
	}
}

// A header may claim a dictionary of 4 GiB if the data is small: neither the kernel nor
// a reader allocates more than the data.
func TestLZMASmall(t *testing.T) {
	data := mixed(100)
	z := packLZMA(t, data, lzma.WriterConfig{Size: int64(len(data)), SizeInHeader: true})
	copy(z[1:], "\x00\xff\xff\xff")
	if got, err := decodeBytes(&lzmaCodec, z); err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %d bytes and error %v, want %d bytes", len(got), err, len(data))
	}
}

func TestOldGzip(t *testing.T) {
	_, err := decodeBytes(&gzipCodec, []byte("\x1f\x9e\x08\x00"))
	if want := "gzip: format of gzip 0.5, which kernels detect and do not read either"; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
}
