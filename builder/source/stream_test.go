package source

import (
	"archive/tar"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// through writes data to a FIFO that the test reads.
func through(t *testing.T, data []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(path, 0o644); err != nil {
		t.Fatal(err)
	}
	go func() {
		if f, err := os.OpenFile(path, os.O_WRONLY, 0); err == nil {
			f.Write(data)
			f.Close()
		}
	}()
	return path
}

func TestTarFIFO(t *testing.T) {
	data := archive(t, tar.FormatPAX, member{tar.Header{Typeflag: tar.TypeReg, Name: "x", Mode: 0o644}, "content"})
	for _, test := range []struct {
		name string
		data []byte
		want string
	}{
		{"plain", data, "/x file 0644 mtime=1000 \"content\"\n"},
		{"gzip", gzipped(t, data), "/x file 0644 mtime=1000 \"content\"\n"},
		{"nothing", nil, "m:1: fifo: nothing came through: the program that should write it may have failed\n"},
		{"cut", gzipped(t, data)[:60], "m:1: fifo: gzip: unexpected EOF: cut short\n"},
		{"text", append([]byte("<html>"), make([]byte, 2000)...), "m:1: fifo: no tar archive but HTML or XML: was a page downloaded in its place?\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			fifo := through(t, test.data)
			inputs := 0
			item := manifests.Item{Dst: "/", Pos: manifests.Pos{File: "m", Line: 1}}
			got, err := ask(t, &Env{Input: func(string) { inputs++ }}, &manifests.Tar{Item: item, Src: fifo})
			compare(t, filepath.Dir(fifo), got, err, test.want)
			if inputs != 0 {
				t.Errorf("got %d inputs, want none of what nobody can read again", inputs)
			}
		})
	}
}

// A FIFO that nobody writes to keeps open(2) waiting.
func TestTarFIFOInterrupted(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := askIn(ctx, &Env{}, &manifests.Tar{Item: manifests.Item{Dst: "/"}, Src: fifo})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
}

func TestFakeroot(t *testing.T) {
	mode := uint32(0o755)
	dir := files(t, map[string]string{"full": "x", "empty": "", "link": "-> full"})
	for _, test := range []struct {
		name string
		file manifests.File
		bad  bool
	}{
		{"mode of the host", manifests.File{Src: "full"}, true},
		{"mode given", manifests.File{Src: "full", Attr: manifests.Attr{Mode: &mode}}, false},
		{"owner kept", manifests.File{Src: "full", Attr: manifests.Attr{Mode: &mode, Owner: manifests.Owner{Keep: true}}}, true},
		{"attributes kept", manifests.File{Src: "full", SrcXattrs: manifests.XattrsKeep, Attr: manifests.Attr{Mode: &mode}}, true},
		{"empty: perhaps a node", manifests.File{Src: "empty", Attr: manifests.Attr{Mode: &mode}}, true},
		{"a link", manifests.File{Src: "link"}, false},
		{"not there", manifests.File{Src: "none", Optional: true}, false},
		{"content", manifests.File{Text: new(string)}, false},
	} {
		test.file.Src = filepath.Join(dir, test.file.Src)
		test.file.Item = manifests.Item{Dst: "/x", Pos: manifests.Pos{File: "m", Line: 1}}
		if _, err := ask(t, &Env{Fakeroot: "fakeroot"}, &test.file); (err != nil) != test.bad {
			t.Errorf("%s: got error %v, want one: %v", test.name, err, test.bad)
		}
	}
	_, err := ask(t, &Env{Fakeroot: "pseudo"}, &manifests.Tree{Item: manifests.Item{Dst: "/", Pos: manifests.Pos{File: "m", Line: 1}}, Src: dir})
	var problems plan.Errors
	if !errors.As(err, &problems) || problems[0].Hint == "" {
		t.Errorf("tree: got error %v, want one with a hint", err)
	}
}
