package cpio

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// entry is an entry with its body.
type entry struct {
	Header
	Body string
}

// samples holds an entry of every type, and every field at its bounds.
func samples() []entry {
	file := func(name, body string) entry {
		return entry{Header{Name: name, Ino: 9, Mode: TypeFile | 0o644, Nlink: 1, Size: int64(len(body))}, body}
	}
	return []entry{
		{Header{Name: ".", Ino: 1, Mode: TypeDir | 0o1777, Nlink: 2, MTime: MaxTime}, ""},
		{Header{Name: "dev", Ino: 2, Mode: TypeDir | 0o755, UID: 1, GID: 2, Nlink: 2, MTime: 86400}, ""},
		{Header{Name: "dev/console", Ino: 3, Mode: TypeChar | 0o600, Nlink: 1, RdevMajor: 5, RdevMinor: 1}, ""},
		{Header{Name: "dev/loop", Ino: 4, Mode: TypeBlock | 0o660, GID: 6, Nlink: 1, RdevMajor: 7, RdevMinor: 255}, ""},
		{Header{Name: "fifo", Ino: 5, Mode: TypeFIFO | 0o600, Nlink: 1}, ""},
		{Header{Name: "socket", Ino: 6, Mode: TypeSocket | 0o777, Nlink: 1}, ""},
		{Header{Name: "link", Ino: 7, Mode: TypeLink | 0o777, Nlink: 1, MTime: 1, Size: 11}, "dev/console"},
		{Header{Name: "one", Ino: 8, Mode: TypeFile | 0o4755, Nlink: 2, Size: 5}, "twice"},
		{Header{Name: "two", Ino: 8, Mode: TypeFile | 0o4755, Nlink: 2}, ""},
		file("empty", ""),
		file("1", "1"), file("12", "12"), file("123", "123"), file("1234", "1234"),
		file("a name with spaces\n", "-"),
		file("not UTF-8: \xff", "\x00\xff"),
		file(strings.Repeat("n", PathMax-1), "the longest name"),
		file("large", strings.Repeat("0123456789abcdef", 5<<10)),
		{Header{Name: "target", Ino: 8, Mode: TypeLink | 0o777, Nlink: 1, Size: PathMax - 1}, strings.Repeat("t", PathMax-1)},
		{Header{
			Name: "all", Ino: 1<<32 - 1, Mode: TypeFile | 0o7777, UID: 1<<32 - 2, GID: 1<<32 - 3, Nlink: 1<<32 - 4,
			MTime: MaxTime, DevMajor: 1<<32 - 5, DevMinor: 1<<32 - 6, RdevMajor: 1<<32 - 7, RdevMinor: 1<<32 - 8,
		}, ""},
	}
}

func archive(t testing.TB, entries []entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewWriter(&b)
	for _, e := range entries {
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatalf("%.40q: %v", e.Name, err)
		}
		if _, err := io.WriteString(w, e.Body); err != nil {
			t.Fatalf("%.40q: %v", e.Name, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := w.Offset(), int64(b.Len()); got != want {
		t.Errorf("offset of the writer: got %d, want %d", got, want)
	}
	return b.Bytes()
}

// entries reads what is left of an archive.
func entries(r *Reader) ([]entry, error) {
	var all []entry
	for {
		h, err := r.Next()
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		var body strings.Builder
		if _, err := io.Copy(&body, r); err != nil {
			return all, err
		}
		all = append(all, entry{*h, body.String()})
	}
}

func TestRoundTrip(t *testing.T) {
	data := archive(t, samples())
	got, err := entries(NewReader(bytes.NewReader(data)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(samples(), got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	want := int64(TrailerSize)
	for _, e := range samples() {
		want += EntrySize(e.Name, e.Size)
	}
	if got := int64(len(data)); got != want {
		t.Errorf("length of the archive: got %d, EntrySize and TrailerSize say %d", got, want)
	}
}

// TestFormat compares an archive with the format in buffer-format.rst, byte by byte.
func TestFormat(t *testing.T) {
	got := string(archive(t, []entry{{
		Header{
			Name: "ab", Ino: 0x1a, Mode: TypeFile | 0o644, UID: 2, GID: 3, Nlink: 1, MTime: 0x5f5e1000, Size: 3,
			DevMajor: 4, DevMinor: 5, RdevMajor: 6, RdevMinor: 7,
		}, "xyz",
	}}))
	want := "070701" + "0000001A" + "000081A4" + "00000002" + "00000003" + "00000001" + "5F5E1000" + "00000003" +
		"00000004" + "00000005" + "00000006" + "00000007" + "00000003" + "00000000" + "ab\x00" + "\x00\x00\x00" +
		"xyz\x00" +
		"070701" + "00000000" + "00000000" + "00000000" + "00000000" + "00000001" + "00000000" + "00000000" +
		"00000000" + "00000000" + "00000000" + "00000000" + "0000000B" + "00000000" + "TRAILER!!!\x00" + "\x00\x00\x00"
	if got != want {
		t.Errorf("got\n%q, want\n%q", got, want)
	}
}
