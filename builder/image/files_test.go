//go:build linux

package image

import (
	"bytes"
	"io"
	"testing"
)

func TestFiles(t *testing.T) {
	last := swap(t, archive(t, "x@5", "y@5"), "content")
	data := join(t, archive(t, "etc/", "etc/a=1", "etc/up>../..//etc/a", "abs>/etc", "loop>loop", "out>../../../../etc/a"),
		pack(t, "gzip", last), archive(t, "x=other"))
	files, err := ReadFiles(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"/etc/a": "1", "etc/a": "1", "/etc/up": "1", "abs/a": "1", "abs/../out": "1", "../etc/./a": "1", "y": "other", "x": "other", // written into the file that has both names
		"/etc": "read /etc: is a directory", "/loop": "read /loop: too many levels of symbolic links", "no": "read no: file does not exist",
		"etc/a/b": "read etc/a/b: file does not exist",
	} {
		var b bytes.Buffer
		got := ""
		if err := files.Copy(&b, name); err != nil {
			got = err.Error()
		}
		if got += b.String(); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	if _, err := ReadFiles(struct{ io.Reader }{bytes.NewReader(data)}); err == nil {
		t.Error("got no error for what can be read once, want one")
	}
}
