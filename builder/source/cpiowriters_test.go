package source

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// writers are the programs that write newc, with their arguments.
var writers = []string{
	"cpio -o --quiet -H newc", "cpio -o --quiet -H crc", "bsdcpio -o --quiet -H newc", "busybox cpio -o -H newc", "toybox cpio -o -H newc",
}

// written returns an archive of the same directory by each writer that is here. dracut runs
// GNU cpio.
func written(t testing.TB) map[string][]byte {
	t.Helper()
	dir := t.TempDir()
	const make = `mkdir -p d/e
echo one >d/one
ln d/one d/two
ln d/one a
: >empty
ln -s d/one link
mkfifo pipe
echo 1234567 >odd
chmod 4711 odd
find . -exec touch -h -d @1234567890 {} +`
	archives := map[string][]byte{}
	for _, script := range append([]string{make}, writers...) {
		if script != make {
			if _, err := exec.LookPath(strings.Fields(script)[0]); err != nil {
				continue
			}
			script = "find . | LC_ALL=C sort | " + script
		}
		cmd := exec.Command("sh", "-ec", script)
		cmd.Dir = dir
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		if script != make {
			archives[script] = out
		}
	}
	return archives
}

// TestCpioWriters takes over archives of one directory by several writers. They number files
// and store contents of hard links in different ways, and the root is the same.
func TestCpioWriters(t *testing.T) {
	archives := written(t)
	if len(archives) < 2 {
		testenv.Missing(t, "got %d writers of %q, want two", len(archives), writers)
	}
	var want string
	for writer, archive := range archives {
		dir := files(t, map[string]string{"a.img": string(archive)})
		entries, err := ask(t, &Env{}, &manifests.Cpio{Src: filepath.Join(dir, "a.img")})
		if err != nil {
			t.Fatalf("%s: %v", writer, err)
		}
		planned, err := plan.Make(entries, plan.Options{RootMode: 0o755})
		if err != nil {
			t.Fatalf("%s: %v", writer, err)
		}
		var b strings.Builder
		for _, e := range planned {
			text := e.Target
			if e.IsFile() && e.First == nil && e.Size > 0 {
				text = content(t, e)
			}
			fmt.Fprintf(&b, "%s %o %d:%d %d nlink=%d %q\n", e.Path, e.Mode, e.UID, e.GID, e.MTime, e.Nlink, text)
		}
		switch got := b.String(); {
		case want == "":
			want = got
		case got != want:
			t.Errorf("%s: got\n%s\nwant, as of another writer,\n%s", writer, got, want)
		}
	}
	if !strings.Contains(want, "/d/two 100644 ") || !strings.Contains(want, `/a 100644 `) || strings.Count(want, "nlink=3") != 3 {
		t.Errorf("got\n%s\nwant three names of one file in it", want)
	}
}
