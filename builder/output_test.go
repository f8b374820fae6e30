package builder

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/manifests"
)

// small is a manifest whose image needs no stub.
const small = `
root: {type: none}
compress: none
init: {exec: /init}
contents: [{type: file, src: file, dst: /init}]
`

// outputDir returns a directory with nothing in it, a manifest whose only source
// has the mode perm, and the image of that manifest.
func outputDir(t *testing.T, perm os.FileMode) (dir string, m *manifests.Manifest, want []byte) {
	t.Helper()
	sources := t.TempDir()
	writeFile(t, filepath.Join(sources, "file"), 10_000)
	if err := os.Chmod(filepath.Join(sources, "file"), perm); err != nil {
		t.Fatal(err)
	}
	m = parse(t, sources, small)
	var b bytes.Buffer
	if _, err := Build(t.Context(), &b, m, Options{}); err != nil {
		t.Fatal(err)
	}
	return t.TempDir(), m, b.Bytes()
}

// holds checks the names in dir.
func holds(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if diff := cmp.Diff(append([]string{}, want...), got); diff != "" {
		t.Errorf("in the directory of the image: -want +got\n%s", diff)
	}
}

func isImage(t *testing.T, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got %d bytes, which are not the image of %d", path, len(got), len(want))
	}
}

func TestBuildFileMode(t *testing.T) {
	umask := syscall.Umask(0o027)
	defer syscall.Umask(umask)
	for perm, want := range map[os.FileMode]os.FileMode{0o644: 0o640, 0o755: 0o640, 0o640: 0o600, 0o711: 0o600} {
		dir, m, image := outputDir(t, perm)
		path := filepath.Join(dir, "out.img")
		report, err := BuildFile(t.Context(), path, m, Options{})
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode(); got != want {
			t.Errorf("image with a source of mode %v: got mode %v, want %v", perm, got, want)
		}
		if got, want := report.Private, perm&0o004 == 0; got != want {
			t.Errorf("image with a source of mode %v: reported private: got %v, want %v", perm, got, want)
		}
		isImage(t, path, image)
		holds(t, dir, "out.img")
	}
}

func TestBuildFileReplaces(t *testing.T) {
	dir, m, image := outputDir(t, 0o644)
	path := filepath.Join(dir, "out.img")
	if err := os.WriteFile(path, []byte("an old image"), 0o444); err != nil {
		t.Fatal(err)
	}
	old, err := os.Open(path) // someone boots from it
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if _, err := BuildFile(t.Context(), path, m, Options{}); err != nil {
		t.Fatal(err)
	}
	isImage(t, path, image)
	if got, err := io.ReadAll(old); string(got) != "an old image" {
		t.Errorf("the image that was open: got %d bytes, %v, want the old ones", len(got), err)
	}
	holds(t, dir, "out.img")
}

func TestBuildFileThroughLink(t *testing.T) {
	dir, m, image := outputDir(t, 0o644)
	elsewhere := t.TempDir()
	target := filepath.Join(elsewhere, "real.img")
	path := filepath.Join(dir, "out.img")
	if err := os.WriteFile(target, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
	if _, err := BuildFile(t.Context(), path, m, Options{}); err != nil {
		t.Fatal(err)
	}
	if got, err := os.Readlink(path); got != target {
		t.Errorf("the symbolic link: got target %q, %v, want %q", got, err, target)
	}
	isImage(t, target, image)
	holds(t, dir, "out.img")
	holds(t, elsewhere, "real.img")
}

func TestBuildFileRelative(t *testing.T) {
	dir, m, image := outputDir(t, 0o644)
	t.Chdir(dir)
	if _, err := BuildFile(t.Context(), "out.img", m, Options{}); err != nil {
		t.Fatal(err)
	}
	isImage(t, "out.img", image)
	holds(t, dir, "out.img")
}

func TestBuildFileIntoFIFO(t *testing.T) {
	dir, m, image := outputDir(t, 0o600)
	path := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(path, 0o644); err != nil {
		t.Fatal(err)
	}
	type result struct {
		data []byte
		err  error
	}
	read := make(chan result, 1)
	go func() {
		data, err := os.ReadFile(path)
		read <- result{data, err}
	}()
	if _, err := BuildFile(t.Context(), path, m, Options{}); err != nil {
		t.Fatal(err)
	}
	if got := <-read; !bytes.Equal(got.data, image) || got.err != nil {
		t.Errorf("got %d bytes, %v, want the image of %d", len(got.data), got.err, len(image))
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode() != os.ModeNamedPipe|0o644 {
		t.Errorf("afterwards: got %v, %v, want the FIFO as it was", info.Mode(), err)
	}
	holds(t, dir, "fifo")
}

func TestBuildFileIntoDevice(t *testing.T) {
	_, m, _ := outputDir(t, 0o600)
	before, err := os.Stat(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := BuildFile(t.Context(), os.DevNull, m, Options{}); err != nil {
		t.Fatal(err)
	}
	after, err := os.Stat(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	if !os.SameFile(before, after) || after.Mode() != before.Mode() {
		t.Errorf("%s: got mode %v, want %v of the same file", os.DevNull, after.Mode(), before.Mode())
	}
}

func TestBuildFileErrors(t *testing.T) {
	dir, m, _ := outputDir(t, 0o644)
	tooLarge := *m
	tooLarge.Output.MaxSize = 5000
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, tt := range []struct {
		name string
		ctx  context.Context
		m    *manifests.Manifest
		want string
	}{
		{"too large", t.Context(), &tooLarge, "output.max_size"},
		{"cancelled", cancelled, m, "context canceled"},
	} {
		for _, exists := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				path := filepath.Join(dir, "out.img")
				os.Remove(path)
				var want []string
				if exists {
					want = []string{"out.img"}
					if err := os.WriteFile(path, []byte("an old image"), 0o604); err != nil {
						t.Fatal(err)
					}
				}
				_, err := BuildFile(tt.ctx, path, tt.m, Options{})
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got error %v, want %q in it", err, tt.want)
				}
				holds(t, dir, want...)
				if exists {
					isImage(t, path, []byte("an old image"))
				}
			})
		}
	}
	if _, err := BuildFile(t.Context(), dir, m, Options{}); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("into a directory: got error %v", err)
	}
	_, err := BuildFile(t.Context(), filepath.Join(dir, "missing", "out.img"), m, Options{})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("into a missing directory: got error %v, want %v", err, os.ErrNotExist)
	}
}

// TestBuildFileInterrupted checks that an interrupted build leaves the target unchanged and no
// file beside it.
func TestBuildFileInterrupted(t *testing.T) {
	dir, _, _ := outputDir(t, 0o644)
	sources := t.TempDir()
	const size = 64 << 20
	if f, err := os.Create(filepath.Join(sources, "file")); err != nil {
		t.Fatal(err)
	} else if err := errors.Join(f.Truncate(size), f.Close()); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "out.img")
	if err := os.WriteFile(path, []byte("an old image"), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	o := Options{Progress: func(done, total int64) {
		if 0 < done && done < total {
			cancel(errStop)
		}
	}}
	m := parse(t, sources, strings.Replace(small, "compress: none", "compress: gzip", 1))
	if _, err := BuildFile(ctx, path, m, o); !errors.Is(err, errStop) {
		t.Errorf("got error %v, want %v", err, errStop)
	}
	isImage(t, path, []byte("an old image"))
	holds(t, dir, "out.img")
}
