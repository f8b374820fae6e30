package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestExtractRoot unpacks roots as root and as another user, and compares every entry with
// what list shows.
func TestExtractRoot(t *testing.T) {
	for _, root := range []string{"type: tmpfs, mode: 0751", "type: tmpfs, payload: none", "type: bind", "type: none"} {
		img, _ := buildImage(t, sizedManifest(t, 40, "root: {"+root+"}"))
		for _, r := range runners() {
			t.Run(r.name+", "+root, func(t *testing.T) {
				dir := t.TempDir()
				if r.credential != nil {
					if err := os.Chown(dir, int(r.credential.Uid), int(r.credential.Gid)); err != nil {
						t.Fatal(err)
					}
				}
				words := r.extract(t, img, dir)
				var want []string
				var left []string
				for _, e := range listed(t, img) {
					if r.name == "user" {
						uid, gid := os.Geteuid(), os.Getegid()
						if r.credential != nil {
							uid, gid = int(r.credential.Uid), int(r.credential.Gid)
						}
						if e.Device != "" {
							left = append(left, e.Path)
							continue
						}
						var mode uint32
						fmt.Sscanf(e.Mode, "%o", &mode)
						if int(e.UID) != uid {
							mode &^= 0o4000
						}
						if int(e.GID) != gid {
							mode &^= 0o2000
						}
						e.UID, e.GID, e.Mode = uint32(uid), uint32(gid), fmt.Sprintf("%04o", mode)
					}
					want = append(want, seen(e))
				}
				got := walkTree(t, dir)
				if root == "type: none" || root == "type: bind" { // the mode of / is the directory's own
					got = slices.DeleteFunc(got, func(s string) bool { return strings.HasPrefix(s, "/|") })
					want = slices.DeleteFunc(want, func(s string) bool { return strings.HasPrefix(s, "/|") })
				}
				slices.Sort(want)
				if diff := gocmp.Diff(want, got); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
				wantWords := ""
				if len(left) == 1 {
					wantWords = fmt.Sprintf("mkinitfs: 1 device node left out, the first being %s: only root can make them\n", left[0])
				} else if len(left) > 1 {
					wantWords = fmt.Sprintf("mkinitfs: %d device nodes left out, the first being %s: only root can make them\n", len(left), left[0])
				}
				if words != wantWords {
					t.Errorf("got words %q, want %q", words, wantWords)
				}
			})
		}
	}
}

// TestExtractTouched unpacks a directory and a FIFO of the same name. The FIFO cannot replace
// the directory, and only gives it its owner and mode. With an ordinary user the owner stays.
func TestExtractTouched(t *testing.T) {
	var img bytes.Buffer
	archive(t, &img,
		cpioEntry{cpio.Header{Name: "d", Mode: cpio.TypeDir | 0o755, Nlink: 2, UID: 5}, ""},
		cpioEntry{cpio.Header{Name: "d/x", Mode: cpio.TypeFile | 0o644, Nlink: 1, UID: 5}, "x"},
		cpioEntry{cpio.Header{Name: "d", Mode: cpio.TypeFIFO | 0o4711, Nlink: 1, UID: 7}, ""},
	)
	name := filepath.Join(t.TempDir(), "touched.img")
	writeFile(t, name, img.Bytes())
	for _, r := range runners() {
		t.Run(r.name, func(t *testing.T) {
			dir := t.TempDir()
			want := "/d|49c9|7|"
			if r.name == "user" {
				uid := os.Geteuid()
				if r.credential != nil {
					uid = int(r.credential.Uid)
				}
				if err := os.Chown(dir, uid, -1); err != nil {
					t.Fatal(err)
				}
				want = fmt.Sprintf("/d|41c9|%d|", uid) // the setuid bit is for user 7
			}
			r.extract(t, name, dir)
			if got := walkTree(t, dir)[1]; !strings.HasPrefix(got, want) {
				t.Errorf("got %s, want %s...", got, want)
			}
		})
	}
}

// extract runs "mkinitfs extract" and returns its messages. All three files are passed open,
// because the user cannot reach their paths.
func (r runner) extract(t *testing.T, img, dir string) string {
	t.Helper()
	cmd := exec.Command("/proc/self/fd/3", "extract", "-", "/proc/self/fd/4")
	cmd.Args[0] = "mkinitfs"
	var words bytes.Buffer
	cmd.Stderr = &words
	for _, name := range []string{commandPath(t), dir, img} {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	}
	cmd.Stdin, cmd.ExtraFiles = cmd.ExtraFiles[2], cmd.ExtraFiles[:2]
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: r.credential}
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &words)
	}
	return words.String()
}

// walkTree returns the entries below a directory in the form of seen.
func walkTree(t *testing.T, dir string) []string {
	t.Helper()
	var lines []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var s unix.Stat_t
		if err := unix.Lstat(path, &s); err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		if s.Mode&unix.S_IFMT == unix.S_IFDIR {
			s.Nlink = 2
		}
		lines = append(lines, fmt.Sprintf("%s|%x|%d|%d|%d|%d|%x:%x", filepath.Join("/", name), s.Mode, s.Uid, s.Gid,
			s.Nlink, s.Mtim.Sec, unix.Major(s.Rdev), unix.Minor(s.Rdev)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}

// TestExtractTools extracts a plain image of much of a system, and compares it with what
// other programs make of it.
func TestExtractTools(t *testing.T) {
	testenv.Root(t, "make device nodes")
	tarball := testenv.DebianRoot(t)
	work := t.TempDir()
	sh := func(script string) {
		t.Helper()
		cmd := exec.Command("sh", "-euc", script)
		cmd.Dir = work
		cmd.Env = append(os.Environ(), "TARBALL="+tarball, "MKINITFS="+commandPath(t))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", script, err, out)
		}
	}
	sh(`mkdir source && cd source && tar -xf "$TARBALL" ./bin ./dev ./etc ./usr/bin ./var &&
		find . | LC_ALL=C sort | cpio -o -H newc --quiet >../plain.img`)
	sh(`"$MKINITFS" extract plain.img ours`)
	tests := []struct {
		tool, script string
		chance       string // the file types to which it gives other times
	}{
		{"bsdcpio", "bsdcpio -idm --quiet", "a"},
		{"cpio", "cpio -idm --quiet", "a4"},
	}
	for _, test := range tests {
		testenv.Tool(t, test.tool)
		sh(`mkdir ` + test.tool + ` && cd ` + test.tool + ` && ` + test.script + ` <../plain.img`)
		theirs := withoutTimes(walkTree(t, filepath.Join(work, test.tool)), test.chance)
		ours := withoutTimes(walkTree(t, filepath.Join(work, "ours")), test.chance)
		if diff := gocmp.Diff(theirs, ours); diff != "" {
			t.Errorf("-%s +ours\n%s", test.tool, diff)
		}
		sh(`diff -r --no-dereference --exclude=dev ` + test.tool + ` ours`)
	}
}

// withoutTimes blanks the times of certain file types and of the directory itself. types has
// the first digits of their modes.
func withoutTimes(lines []string, types string) []string {
	var blanked []string
	for _, line := range lines {
		fields := strings.Split(line, "|")
		if strings.Contains(types, fields[1][:1]) || fields[0] == "/" {
			fields[5] = ""
		}
		blanked = append(blanked, strings.Join(fields, "|"))
	}
	return blanked
}
