package elfdeps_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/internal/elfdeps"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestCacheIsThatOfLdconfig compares a cache with the one that ldconfig writes for the same root:
// which libraries, in which order, with which flags.
func TestCacheIsThatOfLdconfig(t *testing.T) {
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	ldconfig := testenv.Tool(t, "ldconfig")
	sysroot := testenv.Sysroot(t, "amd64", false)
	compiler(t)
	root := t.TempDir()
	cmd := exec.Command("sh", "-ec", `
cp -R "$0/lib" "$0/lib64" "$0/etc" .
mkdir -p usr opt/vendor/sub srv
cp -R "$0/usr/lib" usr
echo 'int f;' >lib.c
lib() { cc -nostdlib -shared -Wl,-soname,"$2" -o "$1" lib.c; }
lib opt/vendor/libv.so.1.2 libv.so.1
ln -s libv.so.1.2 opt/vendor/libv.so.1
ln -s libv.so.1 opt/vendor/libv.so
lib opt/vendor/libplain.so libplain.so
cc -nostdlib -shared -o opt/vendor/libnosoname.so.3 lib.c
lib opt/vendor/libv.so.10 libv.so.10
lib opt/vendor/libv.so.9 libv.so.9
lib opt/vendor/libz.so.1 libz.so.1
cc -m32 -nostdlib -shared -Wl,-soname,libc.so.6 -o srv/libc.so.6 lib.c
cc -m32 -nostdlib -shared -Wl,-soname,libv.so.1 -Wl,--no-as-needed -o usr/lib/libv.so.1 lib.c srv/libc.so.6
echo text >opt/vendor/libtext.so
: >opt/vendor/libempty.so
lib opt/vendor/other.so other.so
lib opt/vendor/sub/libsub.so libsub.so
ln -s none opt/vendor/libdangling.so
ln -s opt/vendor link
`, sysroot)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	dirs := []string{"/opt/vendor", "/link", "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib", "/usr/lib", "/none"}
	file := func(name, text string) string {
		path := filepath.Join(root, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ours := file("ours", string(elfdeps.Cache(dir(root), dirs)))
	file("etc/ld.so.conf", strings.Join(dirs, "\n"))
	if out, err := exec.Command(ldconfig, "-X", "-r", root).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	printed := func(cache string) []string {
		out, err := exec.Command(ldconfig, "-p", "-C", cache).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		var lines []string
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, " => ") {
				lines = append(lines, line)
			}
		}
		return lines
	}
	want := printed(filepath.Join(root, "etc/ld.so.cache"))
	if len(want) < 20 {
		t.Fatalf("ldconfig lists %q, want more", want)
	}
	if diff := cmp.Diff(want, printed(ours)); diff != "" {
		t.Errorf("-ldconfig +got:\n%s", diff)
	}
}
