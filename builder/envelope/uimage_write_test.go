package envelope

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestWriteUImage(t *testing.T) {
	var b bytes.Buffer
	u := UImage{Arch: "arm64", Time: 7, Load: 1, Entry: 2, Name: "board"}
	if err := u.Write(&b, sectionOf(strings.NewReader(content))); err != nil {
		t.Fatal(err)
	}
	if want := u.Size(int64(len(content))); int64(b.Len()) != want || want != int64(len(content))+64 {
		t.Errorf("got %d bytes, want %d, 64 more than the image", b.Len(), want)
	}
	got, warnings, err := read(b.Bytes(), "")
	if got != content || warnings != nil || err != nil {
		t.Errorf("got %q, %q, error %v, want %q", got, warnings, err, content)
	}
	var again bytes.Buffer
	if err := u.Write(&again, sectionOf(strings.NewReader(content))); err != nil || !bytes.Equal(again.Bytes(), b.Bytes()) {
		t.Errorf("got other bytes from the same image, error %v", err)
	}
}

func TestWriteUImageErrors(t *testing.T) {
	broken := errors.New("broken")
	name := strings.Repeat("n", 33)
	for _, test := range []struct {
		u     UImage
		image *io.SectionReader
		want  string
	}{
		{UImage{Arch: "loong64"}, sectionOf(strings.NewReader(content)), "U-Boot has no number for the architecture loong64"},
		{UImage{Arch: "arm64", Time: 1 << 32}, sectionOf(strings.NewReader(content)), "the time 4294967296 is not in a uImage's range, 0 to 4294967295"},
		{UImage{Arch: "arm64", Name: name}, sectionOf(strings.NewReader(content)), `the name "` + name + `" has 33 bytes, a uImage holds 32`},
		{UImage{Arch: "arm64", Name: "a\nb"}, sectionOf(strings.NewReader(content)), `the name "a\nb" has a control character, which U-Boot would print`},
		{UImage{Arch: "arm64"}, io.NewSectionReader(strings.NewReader(""), 0, 1<<32), "the image has 4294967296 bytes, a uImage holds 4294967295"},
		{UImage{Arch: "arm64"}, io.NewSectionReader(strings.NewReader(content), 0, 100), "the image has become shorter while it was read"},
		{UImage{Arch: "arm64"}, sectionOf(&changing{}), "the image has changed while it was read"},
	} {
		var b bytes.Buffer
		if err := test.u.Write(&b, test.image); err == nil || err.Error() != test.want {
			t.Errorf("%+v: got error %v, want %q", test.u, err, test.want)
		}
	}
	u := UImage{Arch: "arm64"}
	if err := u.Write(fullDisk{broken}, sectionOf(strings.NewReader(content))); !errors.Is(err, broken) {
		t.Errorf("got error %v, want that of the writer", err)
	}
}

func sectionOf(r io.ReaderAt) *io.SectionReader {
	return io.NewSectionReader(r, 0, int64(len(content)))
}

// changing is a file with other bytes at every read.
type changing struct{ reads byte }

func (c *changing) ReadAt(p []byte, _ int64) (int, error) {
	c.reads++
	return copy(p, bytes.Repeat([]byte{c.reads}, len(p))), nil
}

type fullDisk struct{ error }

func (f fullDisk) Write([]byte) (int, error) { return 0, f.error }
