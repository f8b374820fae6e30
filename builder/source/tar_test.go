package source

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// member is a header with its content.
type member struct {
	tar.Header
	content string
}

func archive(t *testing.T, format tar.Format, members ...member) []byte {
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

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
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

func TestTarErrors(t *testing.T) {
	file := func(name string) member {
		return member{tar.Header{Typeflag: tar.TypeReg, Name: name}, strings.Repeat("data", 1000)}
	}
	good := archive(t, tar.FormatPAX, file("x"))
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"up", archive(t, tar.FormatPAX, file("a/../x")), `member "a/../x": ".." in the name`},
		{"hard link up", archive(t, tar.FormatPAX, member{tar.Header{Typeflag: tar.TypeLink, Name: "h", Linkname: "../x"}, ""}),
			`member "h": hard link to "../x": ".." in the name`},
		{"owner", archive(t, tar.FormatGNU, member{tar.Header{Typeflag: tar.TypeReg, Name: "o", Uid: -5}, ""}),
			`member "o": owner -5:0 is out of range`},
		{"type", archive(t, tar.FormatUSTAR, member{tar.Header{Typeflag: 'Z', Name: "z"}, ""}),
			`member "z": unknown type 'Z'`},
		{"cut in a content", good[:2000], `member "x": unexpected EOF: cut short, the archive has 1488 of 4000 bytes`},
		{"huge", withRecords(t, map[string]string{"size": "9000000000000000000"}), `member "x": unexpected EOF: cut short, the archive has 1024 of 9000000000000000000 bytes`},
		{"a header without end", withRecords(t, map[string]string{"comment": strings.Repeat("x", 2<<20)}), "an extended header of more than 1 MiB before byte 1049089"},
		{"a time that is none", withRecords(t, map[string]string{"mtime": "1e300"}), "damaged, or with values out of range: no valid header before byte 1536"},
		{"another volume", archive(t, tar.FormatGNU, member{tar.Header{Typeflag: 'M', Name: "m"}, ""}),
			`member "m": goes on from another volume: join the volumes first, as tar -M reads them`},
		{"global size", archive(t, tar.FormatPAX, member{tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"size": "7"}}, ""}),
			"a global header gives all members one size"},
		{"sparse of tomorrow", archive(t, tar.FormatPAX, member{tar.Header{Typeflag: tar.TypeReg, Name: "s",
			PAXRecords: map[string]string{"SCHILY.realsize": "1048576"}}, "x"}),
			`member "s": a sparse file in a format of star or Solaris: pack it as a plain one`},
		{"damaged later", append(slices.Clone(good[:len(good)-1024]), bytes.Repeat([]byte("junk"), 1000)...),
			"damaged, or with values out of range: no valid header before byte 5120"},
		{"cut in a header", good[:200], "unexpected EOF: cut short, or no tar archive"},
		{"empty", nil, "empty, not even an end of archive"},
		{"junk", bytes.Repeat([]byte("junk"), 1000), "not a tar archive, or a damaged one"},
		{"cpio", bytes.Repeat([]byte("070701"), 1000), "no tar archive but a cpio archive\n  " + byBsdtar},
		{"deb", append([]byte("!<arch>\ndebian-binary   "), make([]byte, 2000)...), "no tar archive but a Debian package\n  dpkg-deb --fsys-tarfile writes its tarball"},
		{"ext4", append(make([]byte, 0x438), append([]byte("\x53\xef"), make([]byte, 2000)...)...), "no tar archive but an ext2, ext3 or ext4 image\n  " + byHand},
		{"gzip of lz4", gzipped(t, append([]byte("\x02\x21\x4c\x18"), make([]byte, 2000)...)), "gzip: no tar archive but compressed with lz4 a second time\n  decompress it first"},
		{"gzip of a zip", gzipped(t, append([]byte("PK\x03\x04"), make([]byte, 2000)...)), "gzip: no tar archive but a zip archive\n  " + byBsdtar},
		{"junk after gzip", append(gzipped(t, good), "junk and more"...), "junk after the compressed archive"},
		{"gzip of junk", gzipped(t, bytes.Repeat([]byte("junk"), 1000)), "gzip: not a tar archive, or a damaged one"},
		{"cut gzip", gzipped(t, good)[:60], "gzip: unexpected EOF: cut short"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			listTar(t, test.data, manifests.Tar{Item: manifests.Item{Dst: "/"}}, Env{}, "m:1: a.tar: "+test.want+"\n")
		})
	}
}

func TestTarMissing(t *testing.T) {
	dir := t.TempDir()
	request := &manifests.Tar{Item: manifests.Item{Dst: "/", Pos: manifests.Pos{File: "m", Line: 1}}, Src: dir + "/none.tar"}
	_, err := ask(t, &Env{}, request)
	compare(t, dir, nil, err, "m:1: none.tar: no such file or directory\n")
	request.Optional = true
	got, err := ask(t, &Env{}, request)
	compare(t, dir, got, err, "")
	request.Src = dir
	_, err = ask(t, &Env{}, request)
	compare(t, filepath.Dir(dir), nil, err, "m:1: "+filepath.Base(dir)+": is a directory\n  type: tree takes directories\n")
}

func TestTarPrivate(t *testing.T) {
	data := archive(t, tar.FormatPAX, member{tar.Header{Typeflag: tar.TypeReg, Name: "x", Mode: 0o644}, "x"})
	dir := files(t, map[string]string{"a.tar": string(data)})
	chmod(t, 0o640, dir, "a.tar")
	got, err := ask(t, &Env{}, &manifests.Tar{Item: manifests.Item{Dst: "/"}, Src: dir + "/a.tar"})
	compare(t, dir, got, err, "/x file 0644 mtime=1000 \"x\" private\n")
}

func TestTarStreams(t *testing.T) {
	data := archive(t, tar.FormatPAX, member{tar.Header{Typeflag: tar.TypeReg, Name: "x", Mode: 0o644}, strings.Repeat("0123456789", 1000)})
	var streams []byte
	for len(data) > 0 {
		n := min(len(data), 3001)
		streams = append(streams, gzipped(t, data[:n])...)
		data = data[n:]
	}
	streams = append(streams, make([]byte, 10240)...) // a tape's record
	listTar(t, streams, manifests.Tar{Item: manifests.Item{Dst: "/"}}, Env{}, `
/x file 0644 mtime=1000 "01234567890123456789... 10000"
`)
}

func TestTarInterrupted(t *testing.T) {
	data := gzipped(t, archive(t, tar.FormatPAX))
	dir := files(t, map[string]string{"a.tar": string(data)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := askIn(ctx, &Env{}, &manifests.Tar{Item: manifests.Item{Dst: "/"}, Src: dir + "/a.tar"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
}

func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(testenv.Tool(t, name), args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// What other programs write, in their formats and codecs.
func TestTarOfOthers(t *testing.T) {
	long := strings.Repeat("d", 90) + "/" + strings.Repeat("f", 200)
	dir := files(t, map[string]string{"root/bin/sh": "shell", "root/l": "-> bin/sh", "root/" + long: "long"})
	if err := os.Link(dir+"/root/bin/sh", dir+"/root/bin/zsh"); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1234567890, 123456789)
	for _, name := range []string{"bin/sh", filepath.Dir(long), long} {
		if err := os.Chtimes(filepath.Join(dir, "root", name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	want := strings.ReplaceAll(`
/bin/sh file 0644 owner=7:8 mtime=1234567890 "shell"
/bin/zsh hard /bin/sh
/DIR/FILE file 0644 owner=7:8 mtime=1234567890 "long"
`, "DIR/FILE", long)
	gnu := []string{"--numeric-owner", "--owner=7", "--group=8"}
	bsd := []string{"--uid=7", "--gid=8", "--uname=", "--gname="}
	for _, test := range []struct {
		name, tool string
		args       []string
	}{
		{"gnu", "tar", append(gnu, "--format=gnu")},
		{"pax", "tar", append(gnu, "--format=posix")},
		{"gnu gzip", "tar", append(gnu, "--gzip")},
		{"gnu xz", "tar", append(gnu, "--xz")},
		{"gnu zstd", "tar", append(gnu, "--zstd")},
		{"bsd", "bsdtar", bsd},
		{"bsd pax gzip", "bsdtar", append(bsd, "--format=pax", "--gzip")},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.tool == "tar" {
				for _, codec := range []string{"gzip", "xz", "zstd"} {
					testenv.Tool(t, codec)
				}
			}
			args := append(test.args, "-cf", "../a.tar", "bin/sh", "bin/zsh", long)
			run(t, dir+"/root", test.tool, args...)
			chmod(t, 0o644, dir, "a.tar")
			got, err := ask(t, &Env{}, &manifests.Tar{Item: manifests.Item{Dst: "/"}, Src: dir + "/a.tar"})
			compare(t, dir, got, err, want)
		})
	}
}

// Every way in which GNU tar and bsdtar write holes.
func TestTarSparse(t *testing.T) {
	dir := files(t, map[string]string{"a": "beginning", "after": "after"})
	for name, at := range map[string]int64{"a": 1 << 20, "hole": -1, "many": 3 << 20} {
		f, err := os.Create(dir + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if at < 0 {
			err = f.Truncate(70_000)
		}
		for ; at > 0; at -= 100_000 { // more than the 4 pieces of an old header
			_, err = f.WriteAt([]byte("end\n"), at)
		}
		if err = errors.Join(err, os.Chmod(f.Name(), 0o644), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	names := []string{"a", "hole", "many", "after"}
	for _, test := range []struct {
		tool string
		args []string
	}{
		{"tar", []string{"--format=gnu", "--sparse"}},
		{"tar", []string{"--sparse", "--sparse-version=0.0"}},
		{"tar", []string{"--sparse", "--sparse-version=0.1"}},
		{"tar", []string{"--sparse", "--sparse-version=1.0"}},
		{"bsdtar", nil},
		{"bsdtar", []string{"--format=pax", "--gzip"}},
	} {
		t.Run(test.tool+strings.Join(test.args, ""), func(t *testing.T) {
			run(t, dir, test.tool, slices.Concat(test.args, []string{"-cf", "a.tar"}, names)...)
			chmod(t, 0o644, dir, "a.tar")
			got, err := ask(t, &Env{}, &manifests.Tar{Item: manifests.Item{Dst: "/", Pos: manifests.Pos{File: "m", Line: 1}}, Src: dir + "/a.tar"})
			if err != nil {
				t.Fatal(err)
			}
			for i, e := range got {
				want, err := os.ReadFile(filepath.Join(dir, names[i]))
				if err != nil {
					t.Fatal(err)
				}
				have := make([]byte, e.Size)
				if _, err := io.ReadFull(io.NewSectionReader(e.Data.At, e.Data.Offset, e.Size), have); err != nil {
					t.Errorf("read %s: %v", e.Path, err)
				}
				if !bytes.Equal(have, want) {
					t.Errorf("%s: got %d bytes that differ, want the %d of the source", e.Path, len(have), len(want))
				}
			}
		})
	}
}

// A member that claims more than newc holds is not expanded: the plan refuses it.
func TestTarSparseTooLarge(t *testing.T) {
	records := map[string]string{
		"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.name": "huge", "GNU.sparse.size": "9000000000000000000",
		"GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,0",
	}
	data := withRecords(t, records)
	dir := files(t, map[string]string{"a.tar": string(data)})
	got, err := ask(t, &Env{}, &manifests.Tar{Item: manifests.Item{Dst: "/"}, Src: dir + "/a.tar"})
	if err != nil {
		t.Fatal(err)
	}
	if e := got[0]; e.Path != "/huge" || e.Size != 9e18 || e.Data != (plan.Data{}) {
		t.Errorf("got %+v, want /huge of 9e18 bytes without data", e)
	}
}

// What a small tarball claims, and what memory its headers take, is bounded for the whole
// archive.
func TestTarBounds(t *testing.T) {
	sparse := withRecords(t, map[string]string{
		"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.name": "hole", "GNU.sparse.size": "300000",
		"GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,0",
	})
	sparse = sparse[:len(sparse)-2*tarBlock] // without the end
	long := strings.Repeat("d/", 1<<18)
	var global, xattrs []member
	for i := range 20 {
		key := fmt.Sprintf("SCHILY.xattr.user.%d", i)
		value := strings.Repeat("v", 1<<20-1000)
		global = append(global, member{tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{key: value}}, ""})
		xattrs = append(xattrs, member{tar.Header{Typeflag: tar.TypeReg, Name: "x", PAXRecords: map[string]string{key: value}}, ""})
	}
	const full = "the paths and extended attributes up to here take more than 16 MiB, which those of no root do"
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"path": {withRecords(t, map[string]string{"path": long}),
			`member "` + long[:100] + `": a path of 524288 bytes, where Linux takes 4095 at most`},
		"target": {archive(t, tar.FormatPAX, member{tar.Header{Typeflag: tar.TypeSymlink, Name: "x", Linkname: long}, ""}),
			`member "x": a path of 524288 bytes, where Linux takes 4095 at most`},
		"global headers": {archive(t, tar.FormatPAX, global...), full},
		"attributes":     {archive(t, tar.FormatPAX, xattrs...), `member "x": ` + full},
	} {
		t.Run(name, func(t *testing.T) {
			listTar(t, test.data, manifests.Tar{Item: manifests.Item{Dst: "/"}, SrcXattrs: manifests.XattrsKeep}, Env{}, "m:1: a.tar: "+test.want+"\n")
		})
	}
	t.Run("holes", func(t *testing.T) {
		tr := tar.NewReader(bytes.NewReader(slices.Concat(sparse, sparse)))
		x := expander{most: 500000}
		defer x.Close()
		var err error
		for range 2 {
			if err != nil {
				t.Fatal(err)
			}
			h, nextErr := tr.Next()
			if nextErr != nil {
				t.Fatal(nextErr)
			}
			_, _, err = x.expand(t.Context(), tr, h.Size)
		}
		if err == nil || !strings.Contains(err.Error(), "sparse files of more than") {
			t.Errorf("got the error %v for the second, want one", err)
		}
	})
}

// withRecords is an archive of one member with PAX records that archive/tar does not
// write.
func withRecords(t *testing.T, records map[string]string) []byte {
	t.Helper()
	var text strings.Builder
	for key, value := range records {
		line := " " + key + "=" + value + "\n"
		n := len(line)
		for n != len(line)+len(strconv.Itoa(n)) {
			n = len(line) + len(strconv.Itoa(n))
		}
		fmt.Fprintf(&text, "%d%s", n, line)
	}
	data := archive(t, tar.FormatUSTAR,
		member{tar.Header{Typeflag: tar.TypeReg, Name: "x"}, text.String()},
		member{tar.Header{Typeflag: tar.TypeReg, Name: "x"}, ""},
	)
	const flag, sum = 156, 148
	data[flag] = tar.TypeXHeader
	copy(data[sum:], "        ")
	n := 0
	for _, c := range data[:tarBlock] {
		n += int(c)
	}
	copy(data[sum:], fmt.Sprintf("%06o\x00 ", n))
	return data
}

// What only old or incremental archives have.
func TestTarOldTypes(t *testing.T) {
	data := archive(t, tar.FormatGNU,
		member{tar.Header{Typeflag: 'V', Name: "backup of monday"}, ""},
		member{tar.Header{Typeflag: 'D', Name: "etc/", Mode: 0o700}, "Yconf\x00\x00"},
		member{tar.Header{Typeflag: tar.TypeReg, Name: "etc/conf", Mode: 0o600}, "conf"},
		member{tar.Header{Typeflag: tar.TypeReg, Name: "bin", Mode: 0o755}, ""},
		member{tar.Header{Typeflag: tar.TypeReg, Name: "lib", Mode: 0o755}, ""},
	)
	for i, flag := range map[string]byte{"bin": 0, "lib": '0'} {
		header := data[bytes.Index(data, []byte(i+"\x00")):][:tarBlock]
		header[3] = '/'
		header[156] = flag
		copy(header[148:], "        ")
		n := 0
		for _, c := range header {
			n += int(c)
		}
		copy(header[148:], fmt.Sprintf("%06o\x00 ", n))
	}
	listTar(t, data, manifests.Tar{Item: manifests.Item{Dst: "/"}}, Env{}, `
/etc dir 0700 mtime=1000 implied
/etc/conf file 0600 mtime=1000 "conf"
/bin dir 0755 mtime=1000 implied
/lib dir 0755 mtime=1000 implied
`)
}

// A global header is for all members behind it that have no record of their own.
func TestTarGlobal(t *testing.T) {
	file := func(name string) member {
		return member{tar.Header{Typeflag: tar.TypeReg, Name: name, Uid: 1}, ""}
	}
	data := archive(t, tar.FormatPAX,
		file("before"),
		member{tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "c", "uid": "7", "mtime": "2000.5"}}, ""},
		file("behind"),
		member{tar.Header{Typeflag: tar.TypeReg, Name: "own", Uid: 1 << 22}, ""},
	)
	listTar(t, data, manifests.Tar{Item: manifests.Item{Dst: "/"}}, Env{}, `
/before file 0000 owner=1:0 mtime=1000 ""
/behind file 0000 owner=7:0 mtime=2000 ""
/own file 0000 owner=4194304:0 mtime=2000 ""
`)
}

func TestTarEnds(t *testing.T) {
	one := archive(t, tar.FormatPAX, member{tar.Header{Typeflag: tar.TypeReg, Name: "x"}, "x"})
	const want = "/x file 0000 mtime=1000 \"x\"\n"
	listTar(t, append(slices.Clone(one), make([]byte, 8192)...), manifests.Tar{Item: manifests.Item{Dst: "/"}}, Env{}, want)
	listTar(t, append(slices.Clone(one), one...), manifests.Tar{Item: manifests.Item{Dst: "/"}}, Env{}, want+
		"warning: m:1: a.tar: what is behind the end of the archive, at byte 2048, is left out\n  tar --concatenate joins archives, cat does not\n")
	listTar(t, one[:len(one)-1024], manifests.Tar{Item: manifests.Item{Dst: "/"}}, Env{}, want+
		"warning: m:1: a.tar: no end of archive after 1024 bytes: it may have been cut short\n")
}

// changing is a context that changes a file when it is asked for the second time.
type changing struct {
	context.Context
	asked  *int
	change func()
}

func (c changing) Err() error {
	if *c.asked++; *c.asked == 2 {
		c.change()
	}
	return c.Context.Err()
}

func TestTarChanges(t *testing.T) {
	data := archive(t, tar.FormatPAX, member{tar.Header{Name: "x"}, "x"})
	for _, data := range [][]byte{data, gzipped(t, data)} {
		file := filepath.Join(t.TempDir(), "x.tar")
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		ctx := changing{t.Context(), new(int), func() {
			if err := os.Chtimes(file, time.Time{}, time.Unix(1, 1)); err != nil {
				t.Error(err)
			}
		}}
		_, err := askIn(ctx, &Env{}, &manifests.Tar{Item: manifests.Item{Dst: "/", Pos: manifests.Pos{File: "m", Line: 1}}, Src: file})
		want := "m:1: " + file + ": changed while it was read"
		if err == nil || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
}
