package source

import (
	"archive/tar"
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
	"github.com/mkinitfs/mkinitfs/manifests"
)

func TestTarWhiteouts(t *testing.T) {
	overlay := func(name, value string) map[string]string {
		return map[string]string{"SCHILY.xattr.trusted.overlay." + name: value}
	}
	data := archive(t, tar.FormatPAX,
		member{tar.Header{Typeflag: tar.TypeReg, Name: "etc/.wh.secret"}, ""},
		member{tar.Header{Typeflag: tar.TypeReg, Name: "etc/kept", Mode: 0o644}, "x"},
		member{tar.Header{Typeflag: tar.TypeReg, Name: "srv/.wh..wh..opq"}, ""},
		member{tar.Header{Typeflag: tar.TypeDir, Name: ".wh..wh.plnk"}, ""},
		member{tar.Header{Typeflag: tar.TypeReg, Name: ".wh..wh.plnk/1.2"}, ""},
		member{tar.Header{Typeflag: tar.TypeChar, Name: "c"}, ""},
		member{tar.Header{Typeflag: tar.TypeLink, Name: "d", Linkname: "c"}, ""},
		member{tar.Header{Typeflag: tar.TypeChar, Name: "zero", Devmajor: 1, Devminor: 5}, ""},
		member{tar.Header{Typeflag: tar.TypeLink, Name: "zero2", Linkname: "zero"}, ""},
		member{tar.Header{Typeflag: tar.TypeDir, Name: "o", Mode: 0o700, PAXRecords: overlay("opaque", "y")}, ""},
		member{tar.Header{Typeflag: tar.TypeDir, Name: "i", Mode: 0o700, PAXRecords: overlay("impure", "y")}, ""},
		member{tar.Header{Typeflag: tar.TypeReg, Name: "w", PAXRecords: overlay("whiteout", "y")}, ""},
	)
	listTar(t, data, manifests.Tar{Item: manifests.Item{Dst: "/x"}, Whiteouts: true, SrcXattrs: manifests.XattrsKeep}, Env{}, `
/x/etc/secret hides
/x/etc/kept file 0644 mtime=1000 "x"
/x/srv opaque
/x/c hides
/x/d hides
/x/zero char 0000 mtime=1000 1:5
/x/zero2 hard /x/zero
/x/o opaque
/x/o dir 0700 mtime=1000 implied
/x/i dir 0700 mtime=1000 implied
/x/w hides
`)
	listTar(t, data, manifests.Tar{Item: manifests.Item{Dst: "/x"}, Exclude: globs("etc/.wh.*", "nothing")}, Env{}, `
m:1: a.tar: is a layer of a container's image, whose whiteouts delete from the layers below: /x/srv/.wh..wh..opq and 6 more
  "whiteouts: apply" deletes what earlier items bring there; "exclude" leaves the marks out
m:2: nothing: matches nothing
  write {path: "nothing", optional: true} if it may match nothing
`)
	for name, member := range map[string]member{
		"/m: its content is in another layer of an overlayfs: take the tree that the overlay is mounted at": {tar.Header{Typeflag: tar.TypeReg, Name: "m", PAXRecords: overlay("metacopy", "")}, ""},
		"/r: its content is in another layer of an overlayfs: take the tree that the overlay is mounted at": {tar.Header{Typeflag: tar.TypeDir, Name: "r", PAXRecords: overlay("redirect", "/old")}, ""},
		"/.wh...: a whiteout of nothing that could be there":                                                {tar.Header{Typeflag: tar.TypeReg, Name: ".wh..."}, ""},
	} {
		listTar(t, archive(t, tar.FormatPAX, member), manifests.Tar{Item: manifests.Item{Dst: "/"}, Whiteouts: true}, Env{},
			"m:1: a.tar: member \""+member.Name+"\": "+name+"\n")
	}
}

func TestTreeWhiteouts(t *testing.T) {
	dir := files(t, map[string]string{"root/.wh.a": "", "root/b/.wh..wh..opq": "", "root/o/x": "x"})
	if err := unix.Setxattr(dir+"/root/o", "user.overlay.opaque", []byte("y"), 0); err == unix.EOPNOTSUPP {
		testenv.Missing(t, "the file system of %s has no user.* attributes", dir)
	} else if err != nil {
		t.Fatal(err)
	}
	want := `
/ dir 0755 implied
/a hides
/b dir 0755 implied
/b opaque
/o opaque
/o dir 0755 implied
/o/x file 0644 "x"
`
	if os.Getuid() == 0 {
		for _, err := range []error{unix.Mknod(dir+"/root/z", unix.S_IFCHR, 0), os.Link(dir+"/root/z", dir+"/root/z2")} {
			if err != nil {
				testenv.Missing(t, "make a whiteout of overlayfs: %v", err)
			}
		}
		want += "/z hides\n/z2 hides\n"
	}
	tree := &manifests.Tree{Item: manifests.Item{Dst: "/", Pos: manifests.Pos{File: "m", Line: 1}}, Src: dir + "/root", Whiteouts: true}
	got, err := ask(t, &Env{}, tree)
	compare(t, dir, got, err, want)
	for _, e := range got {
		if e.Source != 1 || e.Xattrs != nil {
			t.Errorf("%s: got source %d and attributes %v, want 1 and none", e.Path, e.Source, e.Xattrs)
		}
	}
	tree.Whiteouts, tree.Exclude = false, []manifests.Glob{{Pattern: "z*", Optional: true}}
	got, err = ask(t, &Env{}, tree)
	compare(t, dir, got, err, `
m:1: root: is a layer of a container's image, whose whiteouts delete from the layers below: /.wh.a and 2 more
  "whiteouts: apply" deletes what earlier items bring there; "exclude" leaves the marks out
`)
}
