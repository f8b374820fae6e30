package source

import (
	"archive/tar"
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mkinitfs/mkinitfs/manifests"
)

// member is a header with its content.
type member struct {
	tar.Header
	content string
}

func archive(t testing.TB, format tar.Format, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, m := range members {
		if m.Typeflag != tar.TypeXGlobalHeader {
			m.Format = format
			m.Size = int64(len(m.content))
			if m.ModTime.IsZero() {
				m.ModTime = time.Unix(1000, 0)
			}
		}
		if err := w.WriteHeader(&m.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(m.content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// listTar reads data as an archive with request's settings and compares.
func listTar(t *testing.T, data []byte, request manifests.Tar, env Env, want string) {
	t.Helper()
	dir := files(t, map[string]string{"a.tar": string(data)})
	request.Src, request.Pos = dir+"/a.tar", manifests.Pos{File: "m", Line: 1}
	var warned strings.Builder
	env.Warn = func(text string) { fmt.Fprintln(&warned, "warning:", strings.ReplaceAll(text, dir+"/", "")) }
	got, err := ask(t, &env, &request)
	compareAll(t, dir, got, err, warned.String(), want)
	if err != nil {
		return
	}
	for _, e := range got {
		if e.Source != 1 {
			t.Errorf("%s: got source %d, want 1", e.Path, e.Source)
		}
	}
}

func TestTarMembers(t *testing.T) {
	members := []member{
		{tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o700}, ""},
		{tar.Header{Typeflag: tar.TypeDir, Name: "./bin/", Mode: 0o1755, Uid: 3, Gid: 4}, ""},
		{tar.Header{Typeflag: tar.TypeReg, Name: "/bin/su", Mode: 0o4755, ModTime: time.Unix(2000, 0)}, "program"},
		{tar.Header{Typeflag: tar.TypeLink, Name: "bin/sudo", Linkname: "./bin/su"}, ""},
		{tar.Header{Typeflag: tar.TypeSymlink, Name: "bin//sh", Linkname: "../x", Mode: 0o600}, ""},
		{tar.Header{Typeflag: tar.TypeChar, Name: "c", Mode: 0o620, Devmajor: 4, Devminor: 64}, ""},
		{tar.Header{Typeflag: tar.TypeBlock, Name: "b", Mode: 0o660, Devmajor: 8}, ""},
		{tar.Header{Typeflag: tar.TypeFifo, Name: "f", Mode: 0o600}, ""},
		{tar.Header{Typeflag: tar.TypeReg, Name: "empty"}, ""},
	}
	want := `
/ dir 0700 mtime=1000 implied
/bin dir 1755 owner=3:4 mtime=1000 implied
/bin/su file 4755 mtime=1500 "program"
/bin/sudo hard /bin/su
/bin/sh link 0777 mtime=1000 -> ../x
/c char 0620 mtime=1000 4:64
/b block 0660 mtime=1000 8:0
/f fifo 0600 mtime=1000
/empty file 0000 mtime=1000 ""
`
	for _, format := range []tar.Format{tar.FormatUSTAR, tar.FormatPAX, tar.FormatGNU} {
		t.Run(format.String(), func(t *testing.T) {
			listTar(t, archive(t, format, members...), manifests.Tar{Item: manifests.Item{Dst: "/"}}, Env{Clock: Clock{1500, true}}, want)
		})
	}
}

// Where contents begin is not told by archive/tar, and extended headers come
// before them.
func TestTarLongNames(t *testing.T) {
	long := strings.Repeat("n", 150)
	for _, format := range []tar.Format{tar.FormatPAX, tar.FormatGNU} {
		t.Run(format.String(), func(t *testing.T) {
			data := archive(t, format,
				member{tar.Header{Typeflag: tar.TypeReg, Name: long + "/" + long, Mode: 0o644}, "content"},
				member{tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: long + "/" + long}, ""},
				member{tar.Header{Typeflag: tar.TypeLink, Name: long + "/h", Linkname: long + "/" + long}, ""},
				member{tar.Header{Typeflag: tar.TypeReg, Name: "after", Mode: 0o644}, strings.Repeat("x", 513)},
			)
			listTar(t, data, manifests.Tar{Item: manifests.Item{Dst: "/d", Replace: true}}, Env{}, strings.ReplaceAll(`
/d/LONG/LONG file 0644 mtime=1000 "content" replace
/d/l link 0777 mtime=1000 -> LONG/LONG replace
/d/LONG/h hard /d/LONG/LONG replace
/d/after file 0644 mtime=1000 "xxxxxxxxxxxxxxxxxxxx... 513" replace
`, "LONG", long))
		})
	}
}

func TestTarTimes(t *testing.T) {
	data := archive(t, tar.FormatPAX,
		member{tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "c"}}, ""},
		member{tar.Header{Typeflag: tar.TypeReg, Name: "fraction", ModTime: time.Unix(1000, 999_999_999)}, ""},
		member{tar.Header{Typeflag: tar.TypeReg, Name: "before", ModTime: time.Unix(-5, 0)}, ""},
		member{tar.Header{Typeflag: tar.TypeReg, Name: "after", ModTime: time.Unix(1<<32, 0)}, ""},
	)
	const before = "warning: m:1: times outside 1970-01-01 .. 2106-02-07, all that newc holds, are clamped: /before"
	listTar(t, data, manifests.Tar{Item: manifests.Item{Dst: "/"}}, Env{Clock: Clock{Epoch: 0, Set: true}}, `
/fraction file 0000 ""
/before file 0000 ""
/after file 0000 ""
`+before+"\n")
	listTar(t, data, manifests.Tar{Item: manifests.Item{Dst: "/"}}, Env{}, `
/fraction file 0000 mtime=1000 ""
/before file 0000 ""
/after file 0000 mtime=4294967295 ""
`+before+" and 1 more\n")
}

func TestTarExclude(t *testing.T) {
	file := func(name, content string) member {
		return member{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}, content}
	}
	data := archive(t, tar.FormatPAX,
		member{tar.Header{Typeflag: tar.TypeDir, Name: "./usr/share/man/", Mode: 0o755}, ""},
		file("./usr/share/man/deep/er/x", "x"),
		file("./usr/share/manual", "m"),
		file("./lib/a.a", "a"),
		file("./first", "content"),
		member{tar.Header{Typeflag: tar.TypeLink, Name: "second", Linkname: "first"}, ""},
		member{tar.Header{Typeflag: tar.TypeLink, Name: "third", Linkname: "first"}, ""},
	)
	listTar(t, data, manifests.Tar{Item: manifests.Item{Dst: "/d"}, Exclude: globs("usr/share/man", "**/*.a", "/first")}, Env{}, `
/d/usr/share/manual file 0644 mtime=1000 "m"
/d/second file 0644 mtime=1000 "content"
/d/third hard /d/second
`)
	listTar(t, data, manifests.Tar{Item: manifests.Item{Dst: "/d"}, Exclude: globs("usr", "nothing")}, Env{}, `
m:2: nothing: matches nothing
  write {path: "nothing", optional: true} if it may match nothing
`)
}
