package manifests

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDefault checks that an empty Manifest, the default one and a file with only a version
// mean the same.
func TestDefault(t *testing.T) {
	read, err := Parse([]byte("version: 1\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	places := cmp.Comparer(func(a, b Pos) bool { return true })
	if diff := cmp.Diff(read, Default(), places); diff != "" {
		t.Errorf("Default (-read +got):\n%s", diff)
	}
	for name, m := range map[string]*Manifest{
		"an empty manifest":     {},
		"the default one":       Default(),
		"a type and no more":    {Root: Root{Type: Tmpfs}},
		"a codec and no more":   {Compress: Compression{Codec: "gzip"}},
		"a program and no more": {Init: Init{Exec: "/sbin/init", Unasked: true}},
	} {
		full, err := m.Complete()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if diff := cmp.Diff(read, full, places); diff != "" {
			t.Errorf("%s (-read +got):\n%s", name, diff)
		}
	}
}

// TestComplete checks which values of a manifest made in Go are filled in, and which are
// refused.
func TestComplete(t *testing.T) {
	given := &Manifest{Init: Init{Supervise: &Supervise{}, Mounts: []Mount{{Type: "proc", Target: "/proc"}}}}
	full, err := given.Complete()
	if err != nil {
		t.Fatal(err)
	}
	if s := full.Init.Supervise; s.OnExit != "restart" || s.RestartDelay.String() != "1s" {
		t.Errorf("got %+v, want restart after 1s", s)
	}
	if got := full.Init.Mounts[0].Source; got != "proc" {
		t.Errorf("got source %q, want proc", got)
	}
	if given.Init.Supervise.OnExit != "" || given.Init.Mounts[0].Source != "" {
		t.Errorf("got %+v changed, want a copy", given.Init)
	}
	if full, err := (&Manifest{Root: Root{Type: None}}).Complete(); err != nil || full.Init.Exec != "" {
		t.Errorf("under root type none: got program %q and error %v, want neither", full.Init.Exec, err)
	}
	for _, test := range []struct {
		m    Manifest
		want string
	}{
		{Manifest{Root: Root{Type: "tmpf"}}, `unknown type "tmpf" (did you mean "tmpfs"?)`},
		{Manifest{Root: Root{Extra: "keep"}}, "unknown extra \"keep\"\n  known: merge, drop, error"},
		{Manifest{Root: Root{Mode: new(uint32(0o10000))}}, `mode "10000": more than 07777`},
		{Manifest{Arch: "x86_64"}, "unknown architecture \"x86_64\"\n  write amd64"},
		{Manifest{Init: Init{Exec: "init"}}, `exec "init": not absolute`},
		{Manifest{Init: Init{OnError: "stop"}}, "unknown on_error \"stop\"\n  known: panic, reboot, poweroff, shell"},
		{Manifest{Init: Init{Mounts: []Mount{{Target: "/x"}}}}, `type "": empty`},
		{Manifest{Contents: []Content{&File{Item: Item{Dst: "/x"}}}}, "file needs src or content"},
		{Manifest{Contents: []Content{&File{Text: new(string)}}}, `dst "": empty`},
		{Manifest{Contents: []Content{&File{Item: Item{Dst: "/"}, Text: new(string)}}}, `dst "/": the root is there already`},
		{Manifest{Contents: []Content{&Tree{Item: Item{Dst: "/"}}}}, "tree needs src"},
		{Manifest{Contents: []Content{&Tar{}}}, "tar needs src"},
		{Manifest{Contents: []Content{&Modules{Src: "x"}}}, "modules: want one at least"},
		{Manifest{Contents: []Content{&Modules{Modules: []Glob{{Pattern: "x"}}}}}, "modules needs src"},
		{Manifest{Contents: []Content{&Modules{Src: "x", Modules: []Glob{{Pattern: "/x"}}}}}, "modules \"/x\": an absolute path\n  a path begins below the source, as in drivers/net/**"},
		{Manifest{Contents: []Content{&Modules{Src: "x", Modules: []Glob{{Pattern: "x"}}, Compress: "xz"}}}, "unknown compress \"xz\"\n  known: keep, none"},
		{Manifest{Contents: []Content{&Modules{Src: "x", Modules: []Glob{{Pattern: "x"}}, Firmware: &Firmware{}}}}, "firmware needs src"},
		{Manifest{Contents: []Content{&Modules{Src: "x", Modules: []Glob{{Pattern: "x"}}, Firmware: &Firmware{Src: "y", Missing: "no"}}}}, "unknown missing \"no\"\n  known: warn, error"},
		{Manifest{Contents: []Content{&Tar{Item: Item{Dst: "x"}, Src: "x"}}}, `dst "x": not absolute`},
		{Manifest{Contents: []Content{&Go{Item: Item{Dst: "/x/.."}, Programs: []Program{{Src: "x"}}}}}, `dst "/x/..": not clean, write "/"`},
		{Manifest{Contents: []Content{&Go{Item: Item{Dst: "/x"}}}}, "go needs src"},
		{Manifest{Contents: []Content{&Go{Item: Item{Dst: "/x"}, Programs: []Program{{Src: "x"}, {Src: "y"}}}}}, "src has several programs, and dst is one file\n  end dst with / to put all of them into that directory"},
		{Manifest{Contents: []Content{&Symlink{Item: Item{Dst: "/x"}}}}, `target "": empty`},
		{Manifest{Contents: []Content{&Hardlink{Item: Item{Dst: "/x"}, Target: "x"}}}, `target "x": not absolute`},
		{Manifest{Contents: []Content{&Dir{Attr: Attr{Mode: new(uint32(0o10000))}}}}, "dst \"\": empty\n<manifest>: mode \"10000\": more than 07777"},
		{Manifest{Contents: []Content{&FIFO{}}}, `dst "": empty`},
		{Manifest{Contents: []Content{&Socket{Item: Item{Dst: "/.mkinitfs/x"}}}}, `dst "/.mkinitfs/x": /.mkinitfs belongs to the boot stub`},
		{Manifest{Contents: []Content{&Char{Item: Item{Dst: "/x"}, Device: Device{Major: 4096}}}}, `dev "4096:0": majors end at 4095 and minors at 1048575`},
		{Manifest{Contents: []Content{&Block{}}}, `dst "": empty`},
		{Manifest{Contents: []Content{nil}}, "an item of contents needs type"},
		{Manifest{Contents: []Content{&Tree{Item: Item{Dst: "/"}, Src: "x", Exclude: []Glob{{Pattern: "["}}}}}, `exclude "[": ` + errPattern.Error()},
		{Manifest{Contents: []Content{&File{Item: Item{Dst: "/x", Libs: &Libs{}}, Src: "x"}}}, errNoSysroot.Error() + "\n  " + Hint(errNoSysroot)},
		{Manifest{Sysroot: "s", Contents: []Content{&Dir{Item: Item{Dst: "/x", Libs: &Libs{}}}}}, "libs does nothing here: a dir brings no programs"},
		{Manifest{Sysroot: "s", Contents: []Content{&Tar{Item: Item{Libs: &Libs{For: []Glob{{Pattern: "x"}}, Also: []LibName{{Name: ""}}}}, Src: "x"}}},
			"also \"\": empty\n<manifest>: for \"x\": not absolute"},
		{Manifest{Remove: []Glob{{Pattern: "x"}}}, `remove "x": not absolute`},
		{Manifest{Boot: []Glob{{Pattern: "/"}}}, `boot "/": no pattern means the root itself`},
		{Manifest{Permissions: []Permission{{}}}, `path "": empty`},
		{Manifest{Init: Init{Env: []string{"=x"}}}, `env "=x": want a name, without = and NUL`},
		{Manifest{Init: Init{Args: []string{"x\x00"}}}, `args "x\x00": NUL in it`},
		{Manifest{Root: Root{Type: Bind, Inodes: 9}}, "inodes does nothing here: under root.type: bind"},
		{Manifest{Root: Root{Type: Bind, Payload: Compression{Codec: "xz"}}}, "payload does nothing here: under root.type: bind"},
		{Manifest{Root: Root{Type: None}, SELinux: &SELinux{}}, "selinux does nothing here: under root.type: none"},
		{Manifest{Root: Root{Type: None}, Init: Init{Supervise: &Supervise{}}}, "supervise does nothing here: under root.type: none"},
		{Manifest{Root: Root{Type: None}, Contents: []Content{&Dir{Item: Item{Dst: "/x"}, Attr: Attr{Xattrs: map[string]string{"user.x": "y"}}}}},
			"xattrs does nothing here: " + noXattrs},
		{Manifest{Root: Root{Type: None}, Contents: []Content{&Tar{Src: "x", SrcXattrs: XattrsKeep}}}, "xattrs does nothing here: " + noXattrs},
		{Manifest{Permissions: []Permission{{Glob: Glob{Pattern: "/x"}, Xattrs: map[string]string{"x": ""}}}},
			`xattrs "x": want a name that begins with user., trusted., security. or system.posix_acl_`},
	} {
		_, err := test.m.Complete()
		if got, want := text(err), "<manifest>: "+test.want; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
