package source

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

func TestFile(t *testing.T) {
	dir := files(t, map[string]string{
		"busybox": "ELF", "secret": "key", "sh": "-> busybox", "dead": "-> nowhere", "[": "test",
		"p[1]/a": "a", "p1/b": "b", "*": "star", "applets": "/bin/sh\n/bin/ls",
		"conf/a.conf": "a", "conf/b.conf": "b", "conf/sub/c.conf": "c", "conf/l.conf": "-> a.conf",
	})
	chmod(t, 0o4755|os.ModeSetuid, dir, "busybox")
	chmod(t, 0o600, dir, "secret")
	at := time.Unix(1000, 5)
	if err := os.Chtimes(filepath.Join(dir, "busybox"), at, at); err != nil {
		t.Fatal(err)
	}
	text := "router\n"
	uid := uint32(22)
	tests := []struct {
		name string
		file manifests.File
		want string
	}{
		{"host's mode, links", manifests.File{Item: manifests.Item{Dst: "/bin/busybox", Replace: true}, Src: "busybox", Links: []string{"/bin/sh"}}, `
/bin/busybox file 4755 mtime=77 "ELF" replace
/bin/sh hard /bin/busybox replace
`},
		{"attributes", manifests.File{Item: manifests.Item{Dst: "/b"}, Src: "busybox", Attr: manifests.Attr{Mode: new(uint32(0o700)), Owner: manifests.Owner{UID: &uid}, MTime: manifests.MTime{Rule: manifests.MTimeKeep}}}, `
/b file 0700 owner=22:0 mtime=1000 "ELF"
`},
		{"clamped, which is earlier", manifests.File{Item: manifests.Item{Dst: "/b"}, Src: "busybox", Attr: manifests.Attr{MTime: manifests.MTime{Rule: manifests.MTimeClamp}}}, `
/b file 4755 mtime=77 "ELF"
`},
		{"time", manifests.File{Item: manifests.Item{Dst: "/b"}, Src: "busybox", Attr: manifests.Attr{MTime: manifests.MTime{Rule: manifests.MTimeSet, Time: time.Unix(99, 0)}}}, `
/b file 4755 mtime=99 "ELF"
`},
		{"not for everyone", manifests.File{Item: manifests.Item{Dst: "/k"}, Src: "secret"}, `
/k file 0600 mtime=77 "key" private
`},
		{"text", manifests.File{Item: manifests.Item{Dst: "/etc/hostname"}, Text: &text, Links: []string{"/h"}}, `
/etc/hostname file 0644 mtime=77 "router\n"
/h hard /etc/hostname
`},
		{"link", manifests.File{Item: manifests.Item{Dst: "/sh"}, Src: "sh", Attr: manifests.Attr{Mode: new(uint32(0o644))}}, `
/sh link 0777 mtime=77 -> busybox
`},
		{"dead link", manifests.File{Item: manifests.Item{Dst: "/sh"}, Src: "dead"}, `
/sh link 0777 mtime=77 -> nowhere
`},
		{"followed", manifests.File{Item: manifests.Item{Dst: "/sh"}, Src: "sh", Follow: true}, `
/sh file 4755 mtime=77 "ELF"
`},
		{"into a directory", manifests.File{Item: manifests.Item{Dst: "/bin"}, Src: "busybox", DstDir: true}, `
/bin/busybox file 4755 mtime=77 "ELF"
`},
		{"a name that looks like a pattern", manifests.File{Item: manifests.Item{Dst: "/bin/["}, Src: "["}, `
/bin/[ file 0644 mtime=77 "test"
`},
		{"pattern", manifests.File{Item: manifests.Item{Dst: "/etc"}, Src: "conf/**", SrcGlob: true}, `
/etc/a.conf file 0644 mtime=77 "a"
/etc/b.conf file 0644 mtime=77 "b"
/etc/l.conf link 0777 mtime=77 -> a.conf
/etc/c.conf file 0644 mtime=77 "c"
`},
		{"a directory that looks like a pattern", manifests.File{Item: manifests.Item{Dst: "/a"}, Src: "p[1]/a"}, `
/a file 0644 mtime=77 "a"
`},
		{"no file in a directory that looks like a pattern", manifests.File{Item: manifests.Item{Dst: "/b"}, Src: "p[1]/b"}, "m:1: p[1]/b: no such file or directory\n"},
		{"a path with a star", manifests.File{Item: manifests.Item{Dst: "/b"}, Src: "conf/*"}, "m:1: conf/*: no such file or directory\n"},
		{"class", manifests.File{Item: manifests.Item{Dst: "/d"}, Src: "p[1]/*", SrcGlob: true}, `
/d/b file 0644 mtime=77 "b"
`},
		{"escaped in a pattern", manifests.File{Item: manifests.Item{Dst: "/d"}, Src: `p\[1\]/*`, SrcGlob: true}, `
/d/a file 0644 mtime=77 "a"
`},
		{"nothing but escapes", manifests.File{Item: manifests.Item{Dst: "/d"}, Src: `\*`, SrcGlob: true}, `
/d/* file 0644 mtime=77 "star"
`},
		{"no match is fine", manifests.File{Item: manifests.Item{Dst: "/etc"}, Src: "*.none", SrcGlob: true, Optional: true}, ``},
		{"no file is fine", manifests.File{Item: manifests.Item{Dst: "/etc"}, Src: "none", Optional: true}, ``},
		{"no match", manifests.File{Item: manifests.Item{Dst: "/etc"}, Src: "*.none", SrcGlob: true}, "m:1: *.none: matches no file\n  add optional: true if it may match nothing\n"},
		{"no file", manifests.File{Item: manifests.Item{Dst: "/etc"}, Src: "none"}, "m:1: none: no such file or directory\n"},
		{"through a file", manifests.File{Item: manifests.Item{Dst: "/etc"}, Src: "busybox/x", Optional: true}, "m:1: busybox/x: not a directory\n"},
		{"dead link followed", manifests.File{Item: manifests.Item{Dst: "/x"}, Src: "dead", Follow: true}, "m:1: dead: no such file or directory\n"},
		{"directory", manifests.File{Item: manifests.Item{Dst: "/etc"}, Src: "conf"}, `
m:1: conf: not a regular file but a directory
  type: tree takes directories with all that is in them
`},
		{"applets", manifests.File{Item: manifests.Item{Dst: "/bin/busybox"}, Src: "busybox", Attr: manifests.Attr{Mode: new(uint32(0o700)), Owner: manifests.Owner{UID: &uid}},
			Applets: &manifests.Applets{Src: dir + "/applets"}}, `
/bin/busybox file 0700 owner=22:0 mtime=77 "ELF"
/bin/ls link 0777 owner=22:0 mtime=77 -> /bin/busybox
/bin/sh link 0777 owner=22:0 mtime=77 -> /bin/busybox
`},
		{"applets of a text, as hard links", manifests.File{Item: manifests.Item{Dst: "/x"}, Text: &text, Applets: &manifests.Applets{Src: dir + "/applets", Hard: true}}, `
/x file 0644 mtime=77 "router\n"
/bin/ls hard /x
/bin/sh hard /x
`},
		{"applets of many", manifests.File{Item: manifests.Item{Dst: "/etc"}, Src: "conf/*", SrcGlob: true, Applets: &manifests.Applets{}}, `
m:1: conf/*: several files, and links are names of one
`},
		{"links of many", manifests.File{Item: manifests.Item{Dst: "/etc"}, Src: "conf/*", SrcGlob: true, Links: []string{"/x"}}, `
m:1: conf/*: several files, and links are names of one
`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if test.file.Text == nil {
				test.file.Src = dir + "/" + test.file.Src
			}
			test.file.Pos = manifests.Pos{File: "m", Line: 1}
			got, err := ask(t, &Env{Clock: Clock{Epoch: 77, Set: true}}, &test.file)
			compare(t, dir, got, err, test.want)
		})
	}
}

func TestKeepOwner(t *testing.T) {
	dir := files(t, map[string]string{"x": ""})
	info, err := os.Stat(dir + "/x")
	if err != nil {
		t.Fatal(err)
	}
	want := info.Sys().(*syscall.Stat_t)
	gid := uint32(4711)
	got, err := ask(t, &Env{}, &manifests.File{Item: manifests.Item{Dst: "/x"}, Attr: manifests.Attr{Owner: manifests.Owner{Keep: true, GID: &gid}}, Src: dir + "/x"})
	if err != nil {
		t.Fatal(err)
	}
	if got[0].UID != want.Uid || got[0].GID != gid {
		t.Errorf("got owner %d:%d, want %d:%d", got[0].UID, got[0].GID, want.Uid, gid)
	}
}

func TestNode(t *testing.T) {
	var got []*plan.Entry
	for _, c := range []manifests.Content{
		&manifests.Dir{Item: manifests.Item{Dst: "/d"}},
		&manifests.Dir{Item: manifests.Item{Dst: "/d2", Replace: true}, Attr: manifests.Attr{
			Mode: new(uint32(0o1777)), Owner: manifests.Owner{UID: new(uint32(5)), GID: new(uint32(6))},
		}},
		&manifests.Symlink{Item: manifests.Item{Dst: "/l"}, Target: "to", Attr: manifests.Attr{Mode: new(uint32(0o600))}},
		&manifests.Hardlink{Item: manifests.Item{Dst: "/h"}, Target: "/x"},
		&manifests.Char{Item: manifests.Item{Dst: "/c"}, Device: manifests.Device{Major: 4, Minor: 64}},
		&manifests.Block{
			Item: manifests.Item{Dst: "/b"}, Device: manifests.Device{Major: 8},
			Attr: manifests.Attr{MTime: manifests.MTime{Rule: manifests.MTimeSet, Time: time.Unix(9, 0)}},
		},
		&manifests.FIFO{Item: manifests.Item{Dst: "/f"}},
		&manifests.Socket{Item: manifests.Item{Dst: "/s"}},
	} {
		entries, err := ask(t, &Env{Clock: Clock{Epoch: 3, Set: true}}, c)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, entries...)
	}
	compare(t, "", got, nil, `
/d dir 0755 mtime=3
/d2 dir 1777 owner=5:6 mtime=3 replace
/l link 0777 mtime=3 -> to
/h hard /x
/c char 0600 mtime=3 4:64
/b block 0600 mtime=9 8:0
/f fifo 0644 mtime=3
/s socket 0755 mtime=3
`)
}
