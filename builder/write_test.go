package builder

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The same input gives the same bytes: on one core and on two, wherever its
// temporary files lie, and whether someone watches or not.
func TestDeterministic(t *testing.T) {
	dir := t.TempDir()
	base := sourceTree(t, dir)
	stub := options(t).Stub
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			slowXZ(t, kind.name)
			sums := map[string]bool{}
			for _, cores := range []int{1, 2, 5} {
				o := Options{Stub: stub, TempDir: t.TempDir(), Digest: true}
				var told, last, total int64
				if cores > 1 {
					o.Progress = func(done, of int64) {
						if done < last || done > of {
							t.Errorf("told of %d bytes of %d after %d", done, of, last)
						}
						told, last, total = told+1, done, of
					}
				}
				before := runtime.GOMAXPROCS(cores)
				report, err := Build(t.Context(), io.Discard, parse(t, dir, kind.manifest+base), o)
				runtime.GOMAXPROCS(before)
				if err != nil {
					t.Fatal(err)
				}
				if cores > 1 && (told < 2 || last != total || total < report.Unpacked) {
					t.Errorf("told %d times, at last of %d bytes of %d, want all of more than %d", told, last, total, report.Unpacked)
				}
				sums[report.SHA256] = true
			}
			if len(sums) != 1 {
				t.Errorf("got %d different images, want one: %v", len(sums), sums)
			}
		})
	}
}

// TestSourceChanges checks that a file which changes after planning is an error. Otherwise the
// image would be wrong, and no check would find it.
func TestSourceChanges(t *testing.T) {
	const changed = "it changed while the image was built"
	for _, tt := range []struct {
		name   string
		change func(path string) error
		want   string
	}{
		{"shrinks", func(path string) error { return keepTime(path, func() error { return os.Truncate(path, 999) }) }, changed},
		{"is emptied", func(path string) error { return os.Truncate(path, 0) }, changed},
		{"grows", func(path string) error { return keepTime(path, func() error { return os.Truncate(path, 1001) }) }, changed},
		{"is written to", func(path string) error { return os.Chtimes(path, time.Time{}, time.Unix(1, 1)) }, changed},
		{"is replaced", func(path string) error {
			return keepTime(path, func() error {
				data, err := os.ReadFile(path)
				return errors.Join(err, os.WriteFile(path+"2", data, 0o644), os.Rename(path+"2", path))
			})
		}, changed},
		{"becomes a FIFO", func(path string) error { return errors.Join(os.Remove(path), syscall.Mkfifo(path, 0o644)) }, changed},
		{"goes", os.Remove, "no such file or directory"},
	} {
		for _, kind := range kinds {
			t.Run(kind.name+" "+tt.name, func(t *testing.T) { testChange(t, kind.manifest, 1000, tt.change, tt.want) })
		}
	}
	t.Run("empty, grows", func(t *testing.T) {
		testChange(t, "", 0, func(path string) error { return os.Truncate(path, 1) }, changed)
	})
	t.Run("empty, goes", func(t *testing.T) { testChange(t, "", 0, os.Remove, "no such file or directory") })
}

// testChange changes a file of a size between the plan and the image.
func testChange(t *testing.T, manifest string, size int, change func(path string) error, want string) {
	dir := t.TempDir()
	path := filepath.Join(dir, "changing")
	writeFile(t, path, size)
	p, err := prepare(t.Context(), parse(t, dir, manifest+`
arch: arm
init: {exec: /file}
contents: [{type: file, src: changing, dst: /file}]
`), options(t), toWrite)
	if err != nil {
		t.Fatal(err)
	}
	defer p.sources.Close()
	if err := change(path); err != nil {
		t.Fatal(err)
	}
	_, err = writeStream(t.Context(), p, io.Discard)
	if err == nil || !strings.Contains(err.Error(), path+": "+want) || !strings.HasPrefix(err.Error(), "test.yaml:") {
		t.Errorf("got error %v, want the place in the manifest and %q", err, path+": "+want)
	}
}

// keepTime gives path the modification time back that it had before change.
func keepTime(path string, change func() error) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return errors.Join(change(), os.Chtimes(path, time.Time{}, info.ModTime()))
}

func TestMaxSize(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "file"), 300_000)
	base := `
arch: arm
init: {exec: /init}
contents: [{type: file, src: file, dst: /init}]
`
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			slowXZ(t, kind.name)
			m := parse(t, dir, kind.manifest+base)
			report, err := Build(t.Context(), io.Discard, m, options(t))
			if err != nil {
				t.Fatal(err)
			}
			m.Output.MaxSize = report.Size
			if _, err := Build(t.Context(), io.Discard, m, options(t)); err != nil {
				t.Errorf("an image as large as allowed: %v", err)
			}
			m.Output.MaxSize--
			var out bytes.Buffer
			_, err = Build(t.Context(), &out, m, options(t))
			if want := "output.max_size"; err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("one byte larger than allowed: got error %v, want %q", err, want)
			}
			if out.Len() > 0 {
				t.Errorf("got %d bytes of an image that is too large, want none", out.Len())
			}
		})
	}
}

// cancelling is an io.Writer that ends the build after some bytes.
type cancelling struct {
	cancel context.CancelCauseFunc
	left   int
}

var errStop = errors.New("stop")

func (c *cancelling) Write(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		c.cancel(errStop)
	}
	return len(p), nil
}

// TestBuildLeavesNothing checks that a failed build leaves no files, wherever it fails.
func TestBuildLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	base := sourceTree(t, dir)
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			slowXZ(t, kind.name)
			o := options(t)
			o.TempDir = t.TempDir()
			m := parse(t, dir, kind.manifest+base)
			ctx, cancel := context.WithCancelCause(t.Context())
			_, err := Build(ctx, &cancelling{cancel, 0}, m, o)
			// All bytes may have been written before the build ended.
			if err != nil && err != errStop {
				t.Errorf("got error %v, want %v or none", err, errStop)
			}
			if err == nil && m.Root.Type != "tmpfs" {
				t.Error("no error of a build that was cancelled at its first byte")
			}
			left, err := os.ReadDir(o.TempDir)
			if err != nil || len(left) > 0 {
				t.Errorf("left in the directory for temporary files: %v, %v", left, err)
			}
			_, err = Build(ctx, io.Discard, m, o)
			if !errors.Is(err, errStop) && !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled before: got error %v, want %v", err, errStop)
			}
		})
	}
}
