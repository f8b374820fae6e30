package manifests

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "root.yaml")
	text := "version: 1\ncontents:\n  - {type: tar, src: a.tar}\n  - {type: tar, src: /b.tar}\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		opt  Options
		want string // the source of the first item
		file string // of positions
	}{
		{"beside the manifest", Options{}, filepath.Join(filepath.Dir(file), "a.tar"), file},
		{"directory given", Options{Dir: "x/../y"}, "y/a.tar", file},
		{"another name does nothing", Options{File: "in/root.yaml"}, filepath.Join(filepath.Dir(file), "a.tar"), file},
	} {
		m, err := Load(file, test.opt)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if got := m.Contents[0].(*Tar).Src; got != test.want {
			t.Errorf("%s: got source %s, want %s", test.name, got, test.want)
		}
		if got, want := m.Contents[1].(*Tar).Src, "/b.tar"; got != want {
			t.Errorf("%s: got source %s, want %s", test.name, got, want)
		}
		if got := m.Contents[0].Common().Pos.File; got != test.file {
			t.Errorf("%s: got position in %s, want %s", test.name, got, test.file)
		}
	}

	_, err := Load(filepath.Join(t.TempDir(), "nowhere.yaml"), Options{})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: got %v, want %v", err, fs.ErrNotExist)
	}
}

func TestLoadStdin(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	stdin := os.Stdin
	os.Stdin = in
	defer func() { os.Stdin = stdin }()
	if _, err := out.WriteString("version: 1\ncontents:\n  - {type: tar, src: a.tar}\n"); err != nil {
		t.Fatal(err)
	}
	out.Close()
	m, err := Load("-", Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := m.Contents[0].Common().Pos.String(), "<stdin>:3:5"; got != want {
		t.Errorf("got position %s, want %s", got, want)
	}
	if got, want := m.Contents[0].(*Tar).Src, "a.tar"; got != want {
		t.Errorf("got source %s, want %s", got, want)
	}
}

func TestVariables(t *testing.T) {
	const vars = `vars: {a: "1", b: "${a}2", c: "${b}${b}", env: "${env:-none}", both: "${both}-in", late: "${later}", later: x, empty: ""}`
	opt := Options{
		File: "m",
		Vars: map[string]string{"defined": "${a}", "a": "one"},
		Getenv: func(name string) (string, bool) {
			value, ok := map[string]string{"both": "outside", "HOME": "/root", "defined": "from the environment", "blank": ""}[name]
			return value, ok
		},
	}
	for _, test := range []struct{ text, want string }{
		{"plain", "plain"},
		{"${a}", "one"}, // -D wins over vars
		{"<${b}>", "<one2>"},
		{"${c}", "one2one2"},
		{"${env}", "none"},
		{"${both}", "outside-in"}, // within its own value a name means the outer variable
		{"${late}", "x"},
		{"${HOME}", "/root"},
		{"${defined}", "${a}"}, // values are not expanded again
		{"${blank}", ""},
		{"${blank:-x}", "x"},
		{"${empty:-}", ""},
		{"${empty}", ""},
		{"${no:-${neither:-x}y}z", "xyz"},
		{"${a:-${undefined}}", "one"},
		{"${a:?needed}", "one"},
		{"${no:-a b: [c] # d}", "a b: [c] # d"},
		{"$", "$"},
		{"$$", "$$"},
		{"$1 $HOME $(a) a} {b", "$1 $HOME $(a) a} {b"},
		{"$${a}", "${a}"},
		{"$$${a}", "$${a}"},
		{"${no:-$${a}}", "${a}"}, // the first } ends the default
		{"${no:-}}", "}"},
	} {
		data := "version: 1\n" + vars + "\ninit: {exec: /init, args: ['" + test.text + "', '${defined}']}\n"
		m, err := Parse([]byte(data), opt)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if got := m.Init.Args[0]; got != test.want {
			t.Errorf("%s: got %q, want %q", test.text, got, test.want)
		}
	}
}

// TestDefineHidesVars checks that a definition replaces a value in vars before that value is
// read.
func TestDefineHidesVars(t *testing.T) {
	data := "version: 1\nvars: {rootfs: '${ROOTFS:?set it}'}\nname: '${rootfs}'\n"
	m, err := Parse([]byte(data), Options{Vars: map[string]string{"rootfs": "out"}})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := m.Name, "out"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPresets(t *testing.T) {
	data := "version: 1\ninit: {mounts: [dev, proc, sys, run, pts, shm, cgroup2]}\n"
	m, err := Parse([]byte(data), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range m.Init.Mounts {
		got = append(got, strings.Join([]string{m.Type, m.Source, m.Target, m.Options}, " "))
	}
	want := []string{
		"devtmpfs devtmpfs /dev mode=0755,nosuid",
		"proc proc /proc nosuid,nodev,noexec",
		"sysfs sysfs /sys nosuid,nodev,noexec",
		"tmpfs tmpfs /run mode=0755,nosuid,nodev",
		"devpts devpts /dev/pts mode=0620,gid=5,ptmxmode=0666,nosuid,noexec",
		"tmpfs tmpfs /dev/shm mode=1777,nosuid,nodev",
		"cgroup2 cgroup2 /sys/fs/cgroup nosuid,nodev,noexec",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("presets (-want +got):\n%s", diff)
	}
}

// TestPatternBelowOddDirectory reads sources below a directory with a name like a pattern.
func TestPatternBelowOddDirectory(t *testing.T) {
	data := "version: 1\ncontents:\n  - {type: file, src: 'fw/*.bin', dst: /fw/}\n  - {type: file, src: fw/a.bin, dst: /a.bin}\n"
	m, err := Parse([]byte(data), Options{Dir: "/home/[me]/{a}*?"})
	if err != nil {
		t.Fatal(err)
	}
	first, second := m.Contents[0].(*File), m.Contents[1].(*File)
	if got, want := first.Src, `/home/\[me]/\{a}\*\?/fw/*.bin`; got != want || !first.SrcGlob {
		t.Errorf("got %s (pattern: %v), want %s", got, first.SrcGlob, want)
	}
	if got, want := second.Src, "/home/[me]/{a}*?/fw/a.bin"; got != want || second.SrcGlob {
		t.Errorf("got %s (pattern: %v), want %s", got, second.SrcGlob, want)
	}
}

func TestArch(t *testing.T) {
	for _, arch := range Archs() {
		if got, err := ParseArch(arch); got != arch || err != nil {
			t.Errorf("%s: got %q, %v, want the same", arch, got, err)
		}
	}
	if got, err := ParseArch("arm"); got != "arm/v7" || err != nil {
		t.Errorf("arm: got %q, %v, want arm/v7", got, err)
	}
	for _, arch := range []string{"", "arm/v8", "AMD64", "x86_64", "wasm"} {
		if _, err := ParseArch(arch); err == nil {
			t.Errorf("%q: got no error, want one", arch)
		}
	}
}

func TestParseCompression(t *testing.T) {
	for _, test := range []struct {
		text  string
		codec string
		level int
		err   string
	}{
		{"gzip", "gzip", 0, ""},
		{"gzip:1", "gzip", 1, ""},
		{"zstd:22", "zstd", 22, ""},
		{"xz:9", "xz", 9, ""},
		{"lz4:9", "lz4", 9, ""},
		{"none", "none", 0, ""},
		{"none:1", "", 0, `level "1": none takes no level`},
		{"zstd:23", "", 0, `level "23": zstd takes 1 to 22`},
		{"gzip:0", "", 0, `level "0": gzip takes 1 to 9`},
		{"xz:", "", 0, `level "": xz takes 1 to 9`},
		{"lz4:1e", "", 0, `level "1e": lz4 takes 1 to 9`},
		{"gz", "", 0, `unknown codec "gz" (did you mean "gzip"?)`},
		{"auto", "", 0, `unknown codec "auto"`},
		{"", "", 0, `unknown codec ""`},
	} {
		codec, level, err := ParseCompression(test.text)
		if codec != test.codec || level != test.level || text(err) != test.err {
			t.Errorf("%s: got %q %d %q, want %q %d %q", test.text, codec, level, text(err), test.codec, test.level, test.err)
		}
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestNearest(t *testing.T) {
	known := []string{"symlink", "hardlink", "file", "dir", "optional"}
	for _, test := range []struct{ word, want string }{
		{"symlnk", "symlink"},
		{"smylink", "symlink"},
		{"optoinal", "optional"},
		{"flie", "file"},
		{"dri", "dir"},
		{"links", ""},
		{"x", ""},
		{"", ""},
	} {
		if got := Nearest(test.word, known); got != test.want {
			t.Errorf("%s: got %q, want %q", test.word, got, test.want)
		}
	}
}

// FuzzParse checks that nothing panics, that every problem has a place, and that every
// accepted manifest keeps the promises of Manifest.
func FuzzParse(f *testing.F) {
	for _, file := range slices.Concat(glob(f, "testdata/ok/*.yaml"), glob(f, "testdata/err/*.yaml")) {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := Parse(data, Options{File: "m.yaml"})
		if err != nil {
			var errs Errors
			if !errors.As(err, &errs) || len(errs) == 0 {
				t.Fatalf("got %v, want Errors", err)
			}
			for _, e := range errs {
				if e.Pos.File == "" || e.Pos.Line < 1 || e.Msg == "" {
					t.Errorf("got %#v, want a place and a message", e)
				}
			}
			return
		}
		if _, err := ParseArch(m.Arch); m.Arch != "" && err != nil {
			t.Errorf("arch: %v", err)
		}
		full, err := m.Complete()
		if err != nil {
			t.Errorf("complete: %v", err)
		} else if !reflect.DeepEqual(m, full) { // cmp.Diff takes seconds for a bomb of aliases
			t.Errorf("a manifest that was read is not complete (-got +want):\n%s", cmp.Diff(m, full))
		}
		for _, c := range m.Contents {
			item := c.Common()
			if _, err := parseNewPath(item.Dst); err != nil && item.Dst != "/" {
				t.Errorf("%s: dst %q: %v", item.Pos, item.Dst, err)
			}
			if f, ok := c.(*File); ok && f.Mode != nil && *f.Mode > 0o7777 {
				t.Errorf("%s: mode %o", item.Pos, *f.Mode)
			}
			if f, ok := c.(*File); ok && f.SrcGlob && !f.DstDir {
				t.Errorf("%s: pattern %q goes to %q", item.Pos, f.Src, f.Dst)
			}
		}
		for _, m := range m.Init.Mounts {
			if _, err := parseMountpoint(m.Target); err != nil || m.Type == "" || m.Source == "" {
				t.Errorf("%s: got mount %+v, want all of it (%v)", m.Pos, m, err)
			}
		}
	})
}
