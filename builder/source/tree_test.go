package source

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/manifests"
)

func globs(patterns ...string) []manifests.Glob {
	var list []manifests.Glob
	for _, p := range patterns {
		list = append(list, manifests.Glob{Pos: manifests.Pos{File: "m", Line: 2}, Pattern: p})
	}
	return list
}

func TestTree(t *testing.T) {
	dir := files(t, map[string]string{
		"root/bin/sh": "sh", "root/bin.txt": "text", "root/bin/ash": "-> sh", "root/etc/key": "key",
		"root/lib/a.a": "a", "root/lib/sub/b.a": "b", "root/closed/x": "x", "root/empty/": "",
		"link": "-> root", "loop/a/up": "-> ..", "shared/x": "x", "shared/y": "-> x", "shared/z": "-> ../root/bin",
		"dead/x": "-> y",
	})
	chmod(t, 0o755, dir, "root/bin/sh")
	chmod(t, 0o600, dir, "root/etc/key")
	chmod(t, 0o700, dir, "root/closed")
	chmod(t, 0o1777|os.ModeSticky, dir, "root/empty")
	if err := os.Link(dir+"/root/bin/sh", dir+"/root/lib/sh"); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		tree manifests.Tree
		want string
	}{
		{"all", manifests.Tree{Item: manifests.Item{Dst: "/"}, Src: "root"}, `
/ dir 0755 implied
/bin dir 0755 implied
/bin/ash link 0777 -> sh
/bin/sh file 0755 "sh"
/bin.txt file 0644 "text"
/closed dir 0700 implied
/closed/x file 0644 "x" private
/empty dir 1777 implied
/etc dir 0755 implied
/etc/key file 0600 "key" private
/lib dir 0755 implied
/lib/a.a file 0644 "a"
/lib/sh hard /bin/sh
/lib/sub dir 0755 implied
/lib/sub/b.a file 0644 "b"
`},
		{"exclude", manifests.Tree{Item: manifests.Item{Dst: "/srv", Replace: true}, Src: "link/", Exclude: globs("**/*.a", "/bin/sh", "closed", "e*/**")}, `
/srv dir 0755 implied replace
/srv/bin dir 0755 implied replace
/srv/bin/ash link 0777 -> sh replace
/srv/bin.txt file 0644 "text" replace
/srv/empty dir 1777 implied replace
/srv/etc dir 0755 implied replace
/srv/lib dir 0755 implied replace
/srv/lib/sh file 0755 "sh" replace
/srv/lib/sub dir 0755 implied replace
`},
		{"modes normalised", manifests.Tree{Item: manifests.Item{Dst: "/"}, Src: "root", Normalize: true, Exclude: globs("lib", "bin")}, `
/ dir 0755 implied
/bin.txt file 0644 "text"
/closed dir 0755 implied
/closed/x file 0644 "x" private
/empty dir 0755 implied
/etc dir 0755 implied
/etc/key file 0644 "key" private
`},
		{"modes given", manifests.Tree{Item: manifests.Item{Dst: "/"}, Src: "root/bin", Attr: manifests.Attr{Mode: new(uint32(0o640)), Owner: manifests.Owner{UID: new(uint32(3))}}}, `
/ dir 0750 owner=3:0 implied
/ash link 0777 owner=3:0 -> sh
/sh file 0640 owner=3:0 "sh"
`},
		{"modes of directories", manifests.Tree{Item: manifests.Item{Dst: "/b"}, Src: "root/bin", DirMode: new(uint32(0o711))}, `
/b dir 0711 implied
/b/ash link 0777 -> sh
/b/sh file 0755 "sh"
`},
		{"follow", manifests.Tree{Item: manifests.Item{Dst: "/"}, Src: "shared", Follow: true}, `
/ dir 0755 implied
/x file 0644 "x"
/y file 0644 "x"
/z dir 0755 implied
/z/ash file 0755 "sh"
/z/sh hard /z/ash
`},
		{"follow in a loop", manifests.Tree{Item: manifests.Item{Dst: "/"}, Src: "loop", Follow: true}, `
m:1: loop/a/up: a symbolic link that leads back to a directory above it
`},
		{"follow nowhere", manifests.Tree{Item: manifests.Item{Dst: "/"}, Src: "dead", Follow: true}, `
m:1: dead/x: no such file or directory
`},
		{"optional", manifests.Tree{Item: manifests.Item{Dst: "/"}, Src: "none", Optional: true}, ``},
		{"missing", manifests.Tree{Item: manifests.Item{Dst: "/"}, Src: "none"}, `
m:1: none: no such file or directory
`},
		{"a file", manifests.Tree{Item: manifests.Item{Dst: "/"}, Src: "root/bin/sh"}, `
m:1: root/bin/sh: not a directory
  type: file takes single files
`},
		{"exclude nothing", manifests.Tree{Item: manifests.Item{Dst: "/"}, Src: "shared", Exclude: append(globs("x", "*.o"), manifests.Glob{Pattern: "*.so", Optional: true})}, `
m:2: *.o: matches nothing
  write {path: "*.o", optional: true} if it may match nothing
`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.tree.Src = dir + "/" + test.tree.Src
			test.tree.Pos = manifests.Pos{File: "m", Line: 1}
			got, err := ask(t, &Env{}, &test.tree)
			compare(t, dir, got, err, test.want)
		})
	}
}

func TestTreeTimes(t *testing.T) {
	dir := files(t, map[string]string{"x": "", "y": ""})
	for name, at := range map[string]int64{"x": 1000, "y": 3000, ".": 2500} {
		if err := os.Chtimes(filepath.Join(dir, name), time.Unix(at, 999), time.Unix(at, 999)); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		rule  manifests.MTimeRule
		clock Clock
		want  [3]int64
	}{
		{manifests.MTimeDefault, Clock{}, [3]int64{0, 0, 0}},
		{manifests.MTimeDefault, Clock{2000, true}, [3]int64{2000, 2000, 2000}},
		{manifests.MTimeKeep, Clock{2000, true}, [3]int64{2500, 1000, 3000}},
		{manifests.MTimeClamp, Clock{2000, true}, [3]int64{2000, 1000, 2000}},
		{manifests.MTimeClamp, Clock{}, [3]int64{2500, 1000, 3000}},
	} {
		got, err := ask(t, &Env{Clock: test.clock}, &manifests.Tree{Item: manifests.Item{Dst: "/"}, Src: dir, Attr: manifests.Attr{MTime: manifests.MTime{Rule: test.rule}}})
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range test.want {
			if got[i].MTime != want {
				t.Errorf("rule %d, %+v: %s: got mtime %d, want %d", test.rule, test.clock, got[i].Path, got[i].MTime, want)
			}
		}
	}
}

func TestTreeSpecialFiles(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mkfifo(dir+"/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir) // the name of a socket has to be short
	l, err := net.Listen("unix", "socket")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	chmod(t, 0o755, dir, "fifo")
	chmod(t, 0o755, dir, "socket")
	chmod(t, 0o755, dir)
	got, err := ask(t, &Env{}, &manifests.Tree{Item: manifests.Item{Dst: "/"}, Src: dir})
	compare(t, dir, got, err, `
/ dir 0755 implied
/fifo fifo 0755
/socket socket 0755
`)

	devices := t.TempDir()
	if err := unix.Mknod(devices+"/b", unix.S_IFBLK|0o600, int(unix.Mkdev(300, 70000))); err != nil {
		t.Skipf("make a device node: %v", err)
	}
	chmod(t, 0o600, devices, "b")
	chmod(t, 0o755, devices)
	got, err = ask(t, &Env{}, &manifests.Tree{Item: manifests.Item{Dst: "/"}, Src: devices})
	compare(t, devices, got, err, `
/ dir 0755 implied
/b block 0600 300:70000
`)
}

func TestTreeUnreadable(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root can read everything")
	}
	dir := files(t, map[string]string{"a/x": "", "b": "", "c": ""})
	chmod(t, 0, dir, "a")
	chmod(t, 0, dir, "b")
	defer chmod(t, 0o700, dir, "a")
	got, err := ask(t, &Env{}, &manifests.Tree{Item: manifests.Item{Dst: "/", Pos: manifests.Pos{File: "m", Line: 1}}, Src: dir})
	compare(t, dir, got, err, `
m:1: a: permission denied
m:1: b: permission denied
`)
}

func TestTreeInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := askIn(ctx, &Env{}, &manifests.Tree{Item: manifests.Item{Dst: "/"}, Src: t.TempDir()})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
}

// BenchmarkTree walks a tree of 10,000 files.
func BenchmarkTree(b *testing.B) {
	dir := b.TempDir()
	for i := range 500 {
		sub := filepath.Join(dir, "usr/lib", strconv.Itoa(i))
		if err := os.MkdirAll(sub, 0o755); err != nil {
			b.Fatal(err)
		}
		for j := range 20 {
			if err := os.WriteFile(filepath.Join(sub, strconv.Itoa(j)), nil, 0o644); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		entries, err := ask(b, &Env{}, &manifests.Tree{Item: manifests.Item{Dst: "/"}, Src: dir, Exclude: globs("**/7")})
		if err != nil {
			b.Fatal(err)
		}
		if len(entries) < 9000 {
			b.Fatalf("got %d entries", len(entries))
		}
	}
}
