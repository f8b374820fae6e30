package elfdeps_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/internal/arch"
	"github.com/mkinitfs/mkinitfs/internal/elfdeps"
	"github.com/mkinitfs/mkinitfs/internal/follow"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// dir is a directory of this machine as a root.
type dir string

func (d dir) walk(name string) string {
	place, err := follow.Walk(name, func(place string, _ bool) (string, bool, error) {
		target, err := os.Readlink(string(d) + place)
		return target, err == nil, nil
	})
	if err != nil {
		return "/none"
	}
	return place
}

func (d dir) Open(name string) (elfdeps.File, string, error) {
	place := d.walk(name)
	f, err := os.Open(string(d) + place)
	if err != nil {
		return nil, "", fs.ErrNotExist
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, "", fs.ErrNotExist
	}
	return f, place, nil
}

func (d dir) List(name string) (names []string, place string) {
	place = d.walk(name)
	entries, _ := os.ReadDir(string(d) + place)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, place
}

// compare compares what the resolver finds with what the loader itself lists. emulator runs
// programs of another architecture in a root, nil means that this machine does.
func compare(t *testing.T, root dir, emulator []string, program string) {
	t.Helper()
	c, err := elfdeps.New(root).Libraries(program, nil)
	if err != nil {
		t.Errorf("%s: %v", program, err)
		return
	}
	if c.Loader == "" || len(c.Libraries) == 0 {
		return // static
	}
	want, ok := listed(t, root, emulator, c.Loader, program)
	if !ok {
		if len(c.Missing) == 0 {
			t.Errorf("%s: the loader refuses it, got %+v", program, c)
		}
		return
	}
	var got []string
	for _, lib := range c.Libraries[1:] { // the loader is the first
		if lib.Config == "" {
			got = append(got, lib.Name+" => "+filepath.Clean(lib.Path))
		} else {
			got = append(got, lib.Name+" => not found")
		}
	}
	for _, m := range c.Missing {
		got = append(got, m.Name+" => not found")
	}
	slices.Sort(got)
	if len(want) == 0 {
		t.Errorf("%s: the loader lists nothing", program)
	}
	if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
		t.Errorf("%s (-the loader +got):\n%s", program, diff)
	}
}

// listed returns what the loader lists, sorted. It returns false if the loader refuses the
// program.
func listed(t *testing.T, root dir, emulator []string, loader, program string) ([]string, bool) {
	t.Helper()
	args := []string{loader, "--list", program}
	if emulator != nil {
		args = slices.Concat(emulator, []string{string(root) + loader, "--list", program})
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = []string{}
	if emulator == nil {
		cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Chroot: string(root)}
		if os.Getuid() != 0 {
			id := func(inside, outside int) []syscall.SysProcIDMap {
				return []syscall.SysProcIDMap{{ContainerID: inside, HostID: outside, Size: 1}}
			}
			cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
			cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = id(0, os.Getuid()), id(0, os.Getgid())
		}
	}
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return nil, false
	} else if err != nil {
		t.Skipf("no program can be started with another root here: %v", err)
	}
	line := regexp.MustCompile(`^\t(\S+) (?:=> (\S+|not found) )?\(?`)
	var lines []string
	for text := range strings.Lines(string(out)) {
		m := line.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		name, to := m[1], m[2]
		if to == "" { // the name is a path
			to = name
		}
		if strings.HasPrefix(name, "linux-vdso") || strings.Contains(name, "ld-linux") || strings.Contains(to, "ld-musl") {
			continue
		}
		if to != "not found" {
			to = filepath.Clean("/" + to)
		}
		lines = append(lines, name+" => "+to)
	}
	slices.Sort(lines)
	return lines, true
}

// compiler skips t without a compiler for amd64.
func compiler(t *testing.T) {
	t.Helper()
	testenv.Tool(t, "cc")
	if runtime.GOARCH != "amd64" {
		t.Skip("the programs here are for amd64")
	}
}

// TestLoaderAgrees compiles programs with every way to say where their libraries are, and asks
// glibc's loader where it finds them.
func TestLoaderAgrees(t *testing.T) {
	compiler(t)
	testenv.Tool(t, "ldd")
	root := t.TempDir()
	cmd := exec.Command("sh", "-ec", makeCases)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	compareAll(t, root, 20)
}

// Each program needs liba, which needs libb.
const makeCases = `
mkdir -p bin lib opt/a opt/b opt/a/deep deep usr/lib etc
for lib in $(ldd /bin/sh | grep -o '/[^ ]*'); do
	mkdir -p ".${lib%/*}"
	cp -L "$lib" ".$lib"
done
echo 'int f(void) { return 1; }' >lib.c
echo 'int main(void) { return 0; }' >main.c
lib() { out=$1; shift; cc -shared -Wl,--no-as-needed -Wl,-soname,"${out##*/}" -o "$out" lib.c "$@"; }
prog() { out=bin/$1; shift; cc -Wl,--no-as-needed -o "$out" main.c "$@" -Wl,--allow-shlib-undefined; }
lib opt/b/libb.so
lib opt/a/liba.so opt/b/libb.so
lib opt/a/libnorun.so opt/b/libb.so -Wl,--disable-new-dtags,-rpath,/none
lib opt/a/librun.so opt/b/libb.so -Wl,--enable-new-dtags,-rpath,/none
lib opt/a/libself.so opt/b/libb.so -Wl,--enable-new-dtags,-rpath,'$ORIGIN/../b'
old=-Wl,--disable-new-dtags new=-Wl,--enable-new-dtags
both=/opt/a:/opt/b
prog none opt/a/liba.so
prog rpath $old opt/a/liba.so -Wl,-rpath,$both
prog runpath $new opt/a/liba.so -Wl,-rpath,$both
prog rpath-other-rpath $old opt/a/libnorun.so -Wl,-rpath,$both
prog rpath-other-runpath $old opt/a/librun.so -Wl,-rpath,$both
prog runpath-self $new opt/a/libself.so -Wl,-rpath,/opt/a
prog runpath-and-needs-both $new opt/a/liba.so opt/b/libb.so -Wl,-rpath,$both
prog origin $old opt/a/liba.so -Wl,-rpath,'$ORIGIN/../opt/a:${ORIGIN}/../opt/b'
prog origin-word $old opt/a/liba.so -Wl,-rpath,'/opt/a:$ORIGINAL/x:/$LIB:${LIB/opt/b:/opt/b'
prog lib-token $old opt/a/liba.so -Wl,-rpath,'/$LIB/vendor:/opt/b'
mkdir -p lib/x86_64-linux-gnu/vendor lib/vendor lib64/vendor
for d in lib/x86_64-linux-gnu lib lib64; do lib $d/vendor/liba.so opt/b/libb.so; done
prog relative $old opt/a/liba.so -Wl,-rpath,opt/a::opt/b
prog slashes $old opt/a/liba.so -Wl,-rpath,/opt/a//:/opt/./b/
lib opt/a/libpath.so
cc -shared -o opt/a/libpath.so lib.c
prog path -Wl,-rpath,/none opt/a/libpath.so
lib usr/lib/libdefault.so
prog default usr/lib/libdefault.so
lib opt/b/libdefault.so -DOTHER
prog default-nodefault $old usr/lib/libdefault.so -Wl,-z,nodefaultlib
lib opt/a/libsoname.so -Wl,-soname,libother.so
ln -s ../opt/a/libsoname.so usr/lib/libother.so
prog soname opt/a/libsoname.so
prog soname-twice $old opt/a/libsoname.so opt/b/libb.so -Wl,-rpath,/opt/a:/opt/b
# A library for another machine is passed over, and a text ends the search.
lib opt/wrong.so
mkdir -p opt/c
cp opt/a/liba.so opt/c/liba.so
printf '\267\000' | dd of=opt/c/liba.so bs=1 seek=18 conv=notrunc status=none
prog foreign $old opt/a/liba.so -Wl,-rpath,/opt/c:/opt/a:/opt/b
mkdir opt/d
echo text >opt/d/liba.so
prog text $old opt/a/liba.so -Wl,-rpath,/opt/d:/opt/a:/opt/b
# A link to a directory with .. behind it.
mkdir -p srv/real/sub srv/real/libs
ln -s real/sub srv/link
lib srv/real/libs/liba.so opt/b/libb.so
prog dots $old opt/a/liba.so -Wl,-rpath,/srv/link/../libs:/opt/b
ln -s ../bin/origin opt/a/deep/linked
`

// TestMuslAgrees does the same for musl's loader.
func TestMuslAgrees(t *testing.T) {
	compiler(t)
	sysroot := testenv.Sysroot(t, "amd64", false)
	root := t.TempDir()
	cmd := exec.Command("sh", "-ec", makeMuslCases, sysroot)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, path := range []string{"", "/opt/a\n/opt/b\n", "/lib:/opt/b", " "} {
		config := filepath.Join(root, "etc", "ld-musl-x86_64.path")
		if err := os.WriteFile(config, []byte(path), 0o644); err != nil {
			t.Fatal(err)
		}
		if path == " " { // without the file
			os.Remove(config)
		}
		compareAll(t, root, 10)
	}
}

// compareAll compares every program in bin, of which there are some.
func compareAll(t *testing.T, root string, some int) {
	t.Helper()
	programs, _ := os.ReadDir(filepath.Join(root, "bin"))
	if len(programs) < some {
		t.Fatalf("got %d programs, want more", len(programs))
	}
	for _, p := range programs {
		compare(t, dir(root), nil, "/bin/"+p.Name())
	}
}

const makeMuslCases = `
mkdir -p bin lib usr/lib usr/local/lib etc opt/a opt/b opt/c
cp -L "$0/lib/ld-musl-x86_64.so.1" lib
echo 'int f(void) { return 1; }' >lib.c
echo 'void _start(void) {}' >main.c
lib() { out=$1; shift; cc -nostdlib -shared -Wl,--no-as-needed -Wl,-soname,"${out##*/}" -o "$out" lib.c "$@"; }
prog() { out=bin/$1; shift; cc -nostdlib -pie -Wl,--dynamic-linker=/lib/ld-musl-x86_64.so.1 -Wl,--no-as-needed -o "$out" main.c "$@" -Wl,--allow-shlib-undefined; }
lib opt/c/libc.musl-x86_64.so.1
lib opt/c/libm.so.6
lib opt/b/libb.so opt/c/libm.so.6
lib opt/a/liba.so opt/b/libb.so
lib opt/a/librun.so opt/b/libb.so -Wl,--enable-new-dtags,-rpath,/none
lib opt/a/libself.so opt/b/libb.so -Wl,--enable-new-dtags,-rpath,'$ORIGIN/../b'
lib usr/lib/libdefault.so
lib usr/local/lib/libdefault.so -Wl,-z,nodelete
old=-Wl,--disable-new-dtags new=-Wl,--enable-new-dtags
both=/opt/a:/opt/b
prog none opt/a/liba.so
prog reserved opt/c/libm.so.6 usr/lib/libdefault.so
prog rpath $old opt/a/liba.so -Wl,-rpath,$both
prog runpath $new opt/a/liba.so -Wl,-rpath,$both
prog rpath-other-runpath $old opt/a/librun.so -Wl,-rpath,$both
prog runpath-other-runpath $new opt/a/librun.so -Wl,-rpath,$both
prog self $new opt/a/libself.so -Wl,-rpath,/opt/a
prog origin $new opt/a/liba.so -Wl,-rpath,'$ORIGIN/../opt/a:${ORIGIN}/../opt/b'
prog unknown-token $new opt/a/liba.so -Wl,-rpath,'/opt/a:/opt/b:$LIB/x'
prog empty $new opt/a/liba.so -Wl,-rpath,:/opt/a::/opt/b
prog default usr/lib/libdefault.so
mkdir opt/d
lib opt/d/libsoname.so -Wl,-soname,libother.so
ln -s ../../opt/d/libsoname.so usr/lib/libother.so
prog soname opt/d/libsoname.so
lib opt/d/libtwo.so usr/lib/libdefault.so
prog order $new opt/d/libtwo.so usr/local/lib/libdefault.so -Wl,-rpath,/opt/d
cc -nostdlib -shared -o opt/d/libpath.so lib.c
prog path opt/d/libpath.so
`

// TestSysroots asks the loaders of Debian's packages about their programs.
func TestSysroots(t *testing.T) {
	for _, test := range []struct {
		arch     string
		large    bool
		programs int
	}{
		{"amd64", false, 20}, {"arm64", false, 3}, {"amd64", true, 200}, {"arm64", true, 200},
	} {
		t.Run(fmt.Sprint(test.arch, " ", test.programs), func(t *testing.T) {
			if test.large {
				testenv.Matrix(t)
			}
			root := dir(testenv.Sysroot(t, test.arch, test.large))
			var emulator []string
			if runtime.GOARCH != test.arch {
				emulator = []string{testenv.Tool(t, arch.Emulator(test.arch)), "-L", string(root)}
			}
			programs := dynamic(t, root)
			if len(programs) < test.programs {
				t.Fatalf("got %d programs, want %d", len(programs), test.programs)
			}
			for i := range test.programs { // some of every directory
				compare(t, root, emulator, programs[i*len(programs)/test.programs])
			}
		})
	}
}

// dynamic returns the paths of the programs in a root that have a loader.
func dynamic(t *testing.T, root dir) (programs []string) {
	t.Helper()
	for _, bin := range []string{"/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/lib"} {
		err := filepath.WalkDir(string(root)+bin, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			f, err := os.Open(path)
			if err != nil {
				return err
			}
			defer f.Close()
			if o, err := elfdeps.Read(f); err == nil && o.Interpreter != "" && len(o.Needed) > 0 {
				programs = append(programs, strings.TrimPrefix(path, string(root)))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return programs
}
