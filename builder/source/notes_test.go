package source

import (
	"archive/tar"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
	"github.com/mkinitfs/mkinitfs/manifests"
)

func TestTarAttributesLeftOut(t *testing.T) {
	with := func(name string, records ...string) member {
		h := tar.Header{Typeflag: tar.TypeReg, Name: name, PAXRecords: map[string]string{}}
		for _, r := range records {
			key, value, _ := strings.Cut(r, "=")
			h.PAXRecords[key] = value
		}
		return member{h, ""}
	}
	data := archive(t, tar.FormatPAX,
		with("a", "SCHILY.xattr.user.x=1", "LIBARCHIVE.xattr.user.x=MQ"),
		with("b", "SCHILY.xattr.security.capability=c"),
		with("c", "LIBARCHIVE.xattr.user.a%20b=Mg"),
		with("d", "SCHILY.acl.access=user::rw-"),
		with("e", "comment=none"),
	)
	const files = `
/a file 0000 mtime=1000 ""
/b file 0000 mtime=1000 ""
/c file 0000 mtime=1000 ""
/d file 0000 mtime=1000 ""
/e file 0000 mtime=1000 ""
`
	listTar(t, data, manifests.Tar{Item: manifests.Item{Dst: "/"}}, Env{}, files+
		"warning: m:1: extended attributes of 4 entries (1 with capabilities) are left out: /b and 3 more\n"+
		`  "xattrs: keep" takes them along, "xattrs: drop" says that nobody wants them`+"\n")
	listTar(t, data, manifests.Tar{Item: manifests.Item{Dst: "/"}}, Env{NoStub: true}, files+
		"warning: m:1: extended attributes of 4 entries (1 with capabilities) are left out: /b and 3 more\n"+
		`  under root.type: none nothing can set them; "xattrs: drop" says that nobody wants them`+"\n")
	listTar(t, data, manifests.Tar{Item: manifests.Item{Dst: "/"}, SrcXattrs: manifests.XattrsDrop}, Env{}, files)

	dir := t.TempDir()
	if err := os.WriteFile(dir+"/a.tar", data, 0o644); err != nil {
		t.Fatal(err)
	}
	var warned []string
	item := manifests.Item{Dst: "/", Pos: manifests.Pos{File: "m", Line: 1}}
	env := &Env{Warn: func(text string) { warned = append(warned, text) }}
	got, err := ask(t, env, &manifests.Tar{Item: item, Src: dir + "/a.tar", SrcXattrs: manifests.XattrsKeep})
	if err != nil {
		t.Fatal(err)
	}
	if x := got[2].Xattrs["user.a b"]; x != "2" {
		t.Errorf("got %q from libarchive's record, want 2", x)
	}
	if len(warned) != 1 || !strings.Contains(warned[0], "of 1 entry are left out: /d\n") {
		t.Errorf("got warnings %q, want one about the ACL", warned)
	}
}

func TestAttributesLeftOut(t *testing.T) {
	dir := files(t, map[string]string{"root/a": "a", "root/b/c": "c"})
	for _, name := range []string{"a", "b"} {
		if err := unix.Setxattr(filepath.Join(dir, "root", name), "user.x", []byte("y"), 0); err != nil {
			testenv.Missing(t, "set an extended attribute in %s: %v", dir, err)
		}
	}
	var warned []string
	item := manifests.Item{Dst: "/", Pos: manifests.Pos{File: "m", Line: 1}}
	env := &Env{Warn: func(text string) { warned = append(warned, text) }}
	for _, test := range []struct {
		rule manifests.XattrRule
		want string
	}{
		{manifests.XattrsDefault, "m:1: extended attributes of 2 entries are left out: /a and 1 more\n"},
		{manifests.XattrsKeep, ""},
		{manifests.XattrsDrop, ""},
	} {
		warned = nil
		if _, err := ask(t, env, &manifests.Tree{Item: item, SrcXattrs: test.rule, Src: dir + "/root"}); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(warned, "\n"); !strings.HasPrefix(got, test.want) || test.want == "" && got != "" {
			t.Errorf("rule %d: got %q, want %q", test.rule, got, test.want)
		}
	}
	for _, test := range []struct {
		attr manifests.Attr
		want int
	}{
		{manifests.Attr{}, 1},
		{manifests.Attr{Xattrs: plan.Xattrs{"user.x": "z"}}, 0}, // is given
	} {
		warned = nil
		if _, err := ask(t, env, &manifests.File{Item: item, Attr: test.attr, Src: dir + "/root/a"}); err != nil {
			t.Fatal(err)
		}
		if len(warned) != test.want {
			t.Errorf("file with %v: got warnings %q, want %d", test.attr, warned, test.want)
		}
	}
}

// Every kind of file that is no regular one has its hint.
func TestFileKinds(t *testing.T) {
	for mode, want := range map[uint32]string{
		plan.TypeChar: "char", plan.TypeBlock: "block", plan.TypeFIFO: "fifo", plan.TypeSocket: "socket", plan.TypeDir: "tree",
	} {
		j := (&Env{}).job(&manifests.Item{})
		if hint := j.fail("x", notRegular(&unix.Stat_t{Mode: mode}), "").Hint; !strings.HasPrefix(hint, "type: "+want) {
			t.Errorf("got hint %q, want one for type: %s", hint, want)
		}
	}
}

// A file of sysfs says a page and holds less, one of proc says nothing.
func TestMadeUpContent(t *testing.T) {
	read := 0
	for _, src := range []string{"/sys/kernel/uevent_seqnum", "/proc/self/status", "/proc/self/environ"} {
		want, err := os.ReadFile(src)
		if err != nil || len(want) == 0 {
			t.Logf("%s: %v, %d bytes", src, err, len(want))
			continue
		}
		got, err := ask(t, &Env{}, &manifests.File{Item: manifests.Item{Dst: "/x"}, Src: src})
		if err != nil {
			t.Errorf("%s: %v", src, err)
			continue
		}
		if text := content(t, got[0]); text == "" || got[0].Data.At == nil {
			t.Errorf("%s: got %q, want what is in it", src, text)
		}
		read++
	}
	// What waits for somebody to write is no content.
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	writer, err := os.OpenFile(fifo, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	if _, err := readAll(fifo); err == nil || err.Error() != "has no end: it would make the build wait" {
		t.Errorf("got error %v, want one that does not wait", err)
	}
	if read == 0 {
		testenv.Missing(t, "no /proc and no /sys")
	}
}
