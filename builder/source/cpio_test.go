package source

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// newc packs an archive of empty files, and of a directory for each name that others begin
// with.
func newc(t testing.TB, names ...string) []byte {
	t.Helper()
	var headers []cpio.Header
	for i, name := range names {
		h := cpio.Header{Name: name, Ino: uint32(i + 1), Nlink: 1, Mode: cpio.TypeFile | 0o644}
		if i+1 < len(names) && strings.HasPrefix(names[i+1], name+"/") {
			h.Mode = cpio.TypeDir | 0o755
		}
		headers = append(headers, h)
	}
	return newcOf(t, headers, nil)
}

// newcOf packs an archive of headers, with the contents of those that have a size.
func newcOf(t testing.TB, headers []cpio.Header, contents map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := cpio.NewWriter(&b)
	for _, h := range headers {
		h.Size = int64(len(contents[h.Name]))
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, contents[h.Name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(data)
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// kinds is an archive of everything that can have a name.
func kinds(t testing.TB) []byte {
	return newcOf(t, []cpio.Header{
		{Name: ".", Ino: 1, Nlink: 2, Mode: cpio.TypeDir | 0o700},
		{Name: "d", Ino: 2, Nlink: 2, Mode: cpio.TypeDir | 0o1777, UID: 5, MTime: 2000},
		{Name: "d/file", Ino: 3, Nlink: 1, Mode: cpio.TypeFile | 0o4755, GID: 7, MTime: 1000},
		{Name: "a", Ino: 4, Nlink: 2, Mode: cpio.TypeFile | 0o600, MTime: 1000},
		{Name: "d/b", Ino: 4, Nlink: 2, Mode: cpio.TypeFile | 0o600, MTime: 1000},
		{Name: "link", Ino: 5, Nlink: 1, Mode: cpio.TypeLink | 0o777},
		{Name: "node", Ino: 6, Nlink: 2, Mode: cpio.TypeChar | 0o660, RdevMajor: 4, RdevMinor: 64},
		{Name: "node2", Ino: 6, Nlink: 2, Mode: cpio.TypeChar | 0o660, RdevMajor: 4, RdevMinor: 64},
		{Name: "sock", Ino: 7, Nlink: 1, Mode: cpio.TypeSocket | 0o755},
		{Name: "pipe", Ino: 8, Nlink: 1, Mode: cpio.TypeFIFO | 0o644},
	}, map[string]string{"d/file": "text", "a": "", "d/b": "two names", "link": "d/file"})
}

const kindsListed = `
/top dir 0700 implied
/top/a file 0600 mtime=1000 "two names"
/top/d dir 1777 owner=5:0 mtime=1500 implied
/top/d/b hard /top/a
/top/d/file file 4755 owner=0:7 mtime=1000 "text"
/top/link link 0777 -> d/file
/top/node char 0660 4:64
/top/node2 hard /top/node
/top/pipe fifo 0644
/top/sock socket 0755
`

// TestCpioKinds takes over every kind of entry, raw and compressed.
func TestCpioKinds(t *testing.T) {
	raw := kinds(t)
	for name, data := range map[string][]byte{"raw": raw, "gzip": gzipped(t, raw)} {
		t.Run(name, func(t *testing.T) {
			dir := files(t, map[string]string{"a.img": string(data)})
			c := &manifests.Cpio{Item: manifests.Item{Dst: "/top"}, Src: filepath.Join(dir, "a.img")}
			entries, err := ask(t, &Env{Clock: Clock{1500, true}}, c)
			compare(t, dir, entries, err, kindsListed)
		})
	}
}

// TestCpioCut holds that a file which the end of the image cuts has its whole size, with
// zeros where the kernel has them, and that a warning says so.
func TestCpioCut(t *testing.T) {
	data := newcOf(t, []cpio.Header{{Name: "f", Ino: 1, Nlink: 1, Mode: cpio.TypeFile | 0o644}}, map[string]string{"f": "12345678"})
	dir := files(t, map[string]string{"a.img": string(data[:116])}) // header, name and 4 bytes
	var warned []string
	env := &Env{Warn: func(text string) { warned = append(warned, strings.ReplaceAll(text, dir+"/", "")) }}
	entries, err := ask(t, env, &manifests.Cpio{Src: filepath.Join(dir, "a.img")})
	compareAll(t, dir, entries, err, strings.Join(warned, "\n")+"\n",
		"/f file 0644 \"1234\\x00\\x00\\x00\\x00\"\n<manifest>: a.img: f: the image ends in the middle of it\n")
}

// TestCpioLimits holds that a source with more than it may have is an error that says how to
// allow it.
func TestCpioLimits(t *testing.T) {
	raw := newcOf(t, []cpio.Header{
		{Name: "a", Ino: 1, Nlink: 1, Mode: cpio.TypeFile | 0o644}, {Name: "b", Ino: 2, Nlink: 1, Mode: cpio.TypeFile | 0o644},
	}, map[string]string{"a": strings.Repeat("a", 3000), "b": strings.Repeat("b", 3000)})
	padded := append(raw[:len(raw):len(raw)], make([]byte, 10_000)...)
	const many, large = "<manifest>: a.img: more than 1 entries\n  --source-entries N allows more\n",
		"<manifest>: a.img: unpacks to more than 5000 bytes\n  --source-size SIZE allows more\n"
	for _, test := range []struct {
		name   string
		data   []byte
		limits Limits
		want   string
	}{
		{"entries", raw, Limits{Entries: 1}, many},
		{"entries, compressed", gzipped(t, raw), Limits{Entries: 1}, many},
		{"bodies", raw, Limits{Unpacked: 5000}, large},
		{"bodies, compressed", gzipped(t, raw), Limits{Unpacked: 5000}, large},
		{"padding, compressed", gzipped(t, padded[len(raw)-4:]), Limits{Unpacked: 5000}, large},
		{"bodies, cut", raw[:len(raw)-3000], Limits{Unpacked: 5000}, large},
		{"enough", raw, Limits{Entries: 2, Unpacked: 6000}, "/a file 0644 \"aaaaaaaaaaaaaaaaaaaa... 3000\"\n/b file 0644 \"bbbbbbbbbbbbbbbbbbbb... 3000\"\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			data := test.data
			if strings.HasPrefix(test.name, "padding") {
				data = append(gzipped(t, newc(t, "x")), data...)
			}
			dir := files(t, map[string]string{"a.img": string(data)})
			entries, err := ask(t, &Env{Limits: test.limits}, &manifests.Cpio{Src: filepath.Join(dir, "a.img")})
			compare(t, dir, entries, err, test.want)
		})
	}
}

// TestCpioInterrupted holds that a read ends with its context.
func TestCpioInterrupted(t *testing.T) {
	dir := files(t, map[string]string{"a.img": string(gzipped(t, kinds(t)))})
	ctx, cancel := context.WithCancelCause(t.Context())
	want := errors.New("enough")
	cancel(want)
	env := &Env{}
	defer env.Close()
	if _, err := askIn(ctx, env, &manifests.Cpio{Src: filepath.Join(dir, "a.img")}); !errors.Is(err, want) {
		t.Errorf("got error %v, want %v", err, want)
	}
}

// FuzzCpio holds that whatever is read becomes a plan or an error, that every file has
// the content that its size says, and that no path leaves the source's place.
func FuzzCpio(f *testing.F) {
	raw := kinds(f)
	early := newc(f, "kernel", "kernel/x86", "kernel/x86/microcode", "kernel/x86/microcode/GenuineIntel.bin")
	for _, seed := range [][]byte{
		raw, gzipped(f, raw), append(early, gzipped(f, raw)...), append(raw[:len(raw):len(raw)], raw...),
		newc(f, "etc", "etc/x", "etc/../../y"), raw[:len(raw)/2],
	} {
		f.Add(seed)
	}
	for _, archive := range written(f) {
		f.Add(archive)
	}
	// Nothing is decoded ahead on one core, so that an input always takes the same way.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	f.Fuzz(func(t *testing.T, data []byte) {
		file := filepath.Join(t.TempDir(), "a.img")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		env := &Env{Limits: Limits{Entries: 1000, Unpacked: 1 << 20}}
		defer env.Close()
		entries, err := askIn(t.Context(), env, &manifests.Cpio{Item: manifests.Item{Dst: "/top"}, Src: file})
		checkFuzzed(t, entries, err)
	})
}

// checkFuzzed checks what is read of any input below /top.
func checkFuzzed(t *testing.T, entries []*plan.Entry, err error) {
	t.Helper()
	var placed plan.Errors
	if err != nil && !errors.As(err, &placed) {
		t.Errorf("got an error without a place: %v", err)
	}
	for _, e := range entries {
		if e.Path != "/top" && !strings.HasPrefix(e.Path, "/top/") {
			t.Errorf("got %q, want a path below /top", e.Path)
		}
		if e.IsFile() && !e.HardLink {
			content(t, e)
		}
	}
	plan.Make(entries, plan.Options{RootMode: 0o755})
}
