package pack

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/builder/layout"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/newfile"
)

func codec(t *testing.T, name string) Codec {
	t.Helper()
	c, err := compress.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return Codec{Codec: c}
}

// watcher records the files that it is shown.
type watcher map[string]string

func (w watcher) Wants(e *plan.Entry) bool        { return e.Path == "/bin/ash" }
func (w watcher) Look(e *plan.Entry, head []byte) { w[e.Path] = string(head) }

// job is one of a small root.
func job(t *testing.T, kind, outer, payload string) Job {
	t.Helper()
	text := strings.Repeat("a shell ", 100)
	entries, err := plan.Make([]*plan.Entry{
		{Path: "/bin/sh", Mode: plan.TypeFile | 0o755, Origin: "m:1:1", Size: int64(len(text)), Data: plan.Data{At: strings.NewReader(text)}},
		{Path: "/bin/ash", Target: "/bin/sh", HardLink: true, Origin: "m:1:1"},
	}, plan.Options{RootMode: 0o755})
	if err != nil {
		t.Fatal(err)
	}
	j := Job{Compress: codec(t, outer), Payload: codec(t, payload), Watcher: watcher{}}
	j.Layout, err = layout.Make(entries, layout.Options{
		Type: kind, Stub: bootplan.Plan{Root: kind, Exec: "/bin/sh"}, RawMembers: payload == "none", Window: j.Payload.Window,
	})
	if err != nil {
		t.Fatal(err)
	}
	if kind != layout.None {
		j.Stub = []byte("stub")
	}
	if kind == layout.Tmpfs {
		if j.Spool, err = newfile.Temp(t.TempDir()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { j.Spool.Close() })
	}
	return j
}

// TestWrite checks that a layout is enough to write an image.
func TestWrite(t *testing.T) {
	for _, test := range []struct{ kind, outer, payload, segments string }{
		{layout.None, "none", "none", "root none"},
		{layout.Bind, "gzip", "none", "boot gzip, root gzip"},
		{layout.Tmpfs, "gzip", "zstd", "boot gzip, payload none"},
		{layout.Tmpfs, "lz4", "none", "boot lz4, payload lz4"},
	} {
		j := job(t, test.kind, test.outer, test.payload)
		var last, total int64
		j.Progress = func(done, of int64) { last, total = done, of }
		var out bytes.Buffer
		done, err := Write(t.Context(), &out, j)
		if err != nil {
			t.Fatal(err)
		}
		var segments []string
		for _, s := range done.Segments {
			segments = append(segments, s.Kind+" "+s.Codec)
		}
		if got := strings.Join(segments, ", "); got != test.segments || done.Size != int64(out.Len()) || done.Size%4 != 0 {
			t.Errorf("got segments %s in %d of %d bytes, want %s", got, done.Size, out.Len(), test.segments)
		}
		if last != total || total != j.Layout.Members[0].Size {
			t.Errorf("%s: told of %d bytes of %d, want %d", test.segments, last, total, j.Layout.Members[0].Size)
		}
		if got := j.Watcher.(watcher)["/bin/ash"]; got != strings.Repeat("a shell ", headSize/8) {
			t.Errorf("%s: the watcher saw %q of /bin/ash", test.segments, got)
		}
		list, _, err := image.List(bytes.NewReader(out.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		var files []string
		for i := range list {
			if e := &list[i]; strings.HasPrefix(e.Path(), "/bin/") {
				files = append(files, fmt.Sprint(e.Path(), " ", e.Size))
			}
		}
		if got, want := strings.Join(files, ", "), "/bin/ash 800, /bin/sh 800"; got != want {
			t.Errorf("%s: the image has %s, want %s", test.segments, got, want)
		}
	}
}

// TestSizeAfterError checks the size of an image that did not fit: it is at least the number of
// bytes written.
func TestSizeAfterError(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	j := job(t, layout.Tmpfs, "gzip", "none")
	whole, err := Write(t.Context(), io.Discard, j)
	if err != nil {
		t.Fatal(err)
	}
	j = job(t, layout.Tmpfs, "gzip", "none")
	done, err := Write(t.Context(), Destination{Name: "X", Hint: "buy a disk"}.To(full), j)
	payload := whole.Segments[1].Size
	if want := "write X: no space left on device\n  buy a disk"; err == nil || err.Error() != want || done.Size < payload || done.Size > whole.Size {
		t.Errorf("got %d bytes and error %v, want %d to %d and %q", done.Size, err, payload, whole.Size, want)
	}
}
