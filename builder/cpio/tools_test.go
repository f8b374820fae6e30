package cpio

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	uroot "github.com/u-root/u-root/pkg/cpio"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// These tests check that other programs read our archives, and that we read theirs.

// plain returns the samples that a listing shows in full: those with short names without spaces
// and with ids that fit its columns.
func plain() []entry {
	var some []entry
	for _, e := range samples() {
		if len(e.Name) < 20 && !strings.ContainsAny(e.Name, " \n") && e.Name != "all" {
			some = append(some, e)
		}
	}
	return some
}

// tool runs a program in dir and returns its output.
func tool(t *testing.T, dir string, in []byte, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(testenv.Tool(t, name), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, &stderr)
	}
	return out
}

// long is an entry as ls -ln shows it, with the year of its time.
func long(e *entry) string {
	kinds := map[uint32]string{
		TypeSocket: "s", TypeLink: "l", TypeFile: "-", TypeBlock: "b", TypeDir: "d", TypeChar: "c", TypeFIFO: "p",
	}
	size := strconv.FormatInt(e.Size, 10)
	if kind := e.Mode & TypeMask; kind == TypeChar || kind == TypeBlock {
		size = fmt.Sprintf("%d,%d", e.RdevMajor, e.RdevMinor)
	}
	mode := []byte(kinds[e.Mode&TypeMask] + "rwxrwxrwx")
	for i := range 9 {
		if e.Mode>>(8-i)&1 == 0 {
			mode[1+i] = '-'
		}
	}
	if e.Mode&0o4000 != 0 {
		mode[3] = 's' // the samples have no setuid without x
	}
	if e.Mode&0o1000 != 0 {
		mode[9] = 't'
	}
	year := "1970"
	if e.MTime > 1<<31 {
		year = "2106"
	}
	name := e.Name
	if e.Mode&TypeMask == TypeLink {
		name += " -> " + e.Body
	}
	return fmt.Sprint(string(mode), " ", e.Nlink, " ", e.UID, " ", e.GID, " ", size, " ", year, " ", name)
}

// listing brings the columns of cpio -itvn into the form of long.
var listing = regexp.MustCompile(`(?m)^(\S{10}) +(\d+) +(\d+) +(\d+) +(\d+)(, *\d+)? ... .. +(\d{4}) (.*?)( link to .*)?$`)

func TestToolsList(t *testing.T) {
	want := []string{}
	for _, e := range plain() {
		want = append(want, long(&e))
	}
	data := archive(t, plain())
	for _, name := range []string{"cpio", "bsdcpio"} {
		t.Run(name, func(t *testing.T) {
			out := string(tool(t, t.TempDir(), data, name, "-itvn", "--quiet"))
			var got []string
			for _, m := range listing.FindAllStringSubmatch(out, -1) {
				size := m[5] + strings.ReplaceAll(m[6], " ", "")
				got = append(got, strings.Join([]string{m[1], m[2], m[3], m[4], size, m[7], m[8]}, " "))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestUrootReads compares every field, because listings leave some out.
func TestUrootReads(t *testing.T) {
	records, err := uroot.ReadAllRecords(uroot.Newc.Reader(bytes.NewReader(archive(t, samples()))))
	if err != nil {
		t.Fatal(err)
	}
	var got []entry
	for _, r := range records {
		body, err := io.ReadAll(io.NewSectionReader(r, 0, int64(r.FileSize)))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, entry{Header{
			Name: r.Name, Ino: uint32(r.Ino), Mode: uint32(r.Mode), UID: uint32(r.UID), GID: uint32(r.GID),
			Nlink: uint32(r.NLink), MTime: int64(r.MTime), Size: int64(r.FileSize),
			DevMajor: uint32(r.Major), DevMinor: uint32(r.Minor), RdevMajor: uint32(r.Rmajor), RdevMinor: uint32(r.Rminor),
		}, string(body)})
	}
	if diff := cmp.Diff(samples(), got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestReaderReadsTools(t *testing.T) {
	dir := t.TempDir()
	names := []string{".", "fifo", "file", "directory", "directory/deep", "link", "one", "two"}
	for _, err := range []error{
		os.WriteFile(filepath.Join(dir, "file"), []byte("content"), 0o600),
		os.Mkdir(filepath.Join(dir, "directory"), 0o700),
		os.WriteFile(filepath.Join(dir, "directory/deep"), nil, 0o400),
		os.Symlink("directory/deep", filepath.Join(dir, "link")),
		os.WriteFile(filepath.Join(dir, "one"), []byte("shared"), 0o644),
		os.Link(filepath.Join(dir, "one"), filepath.Join(dir, "two")),
		syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600),
		os.Chmod(filepath.Join(dir, "file"), 0o755|os.ModeSetuid),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	bodies := map[string]string{
		"file": "content", "link": "directory/deep",
		"two": "shared", // and not "one": both tools write the content with the last name
	}
	list := []byte(strings.Join(names, "\n") + "\n")
	for _, tt := range []struct{ program, format string }{{"cpio", "newc"}, {"cpio", "crc"}, {"bsdcpio", "newc"}} {
		t.Run(tt.program+" "+tt.format, func(t *testing.T) {
			data := tool(t, dir, list, tt.program, "-o", "-H", tt.format, "--quiet")
			got, err := entries(NewReader(bytes.NewReader(data)))
			if err != nil {
				t.Fatal(err)
			}
			var want []entry
			for i, name := range names {
				var st syscall.Stat_t
				if err := syscall.Lstat(filepath.Join(dir, name), &st); err != nil {
					t.Fatal(err)
				}
				e := entry{Header{
					Name: name, Mode: st.Mode, UID: st.Uid, GID: st.Gid, Nlink: uint32(st.Nlink),
					MTime: int64(st.Mtim.Sec), Size: int64(len(bodies[name])),
				}, bodies[name]}
				if i < len(got) { // tools choose the inode numbers, except for hard links, and the device
					e.Ino, e.DevMajor, e.DevMinor = got[i].Ino, got[i].DevMajor, got[i].DevMinor
				}
				want = append(want, e)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("-want +got\n%s", diff)
			}
			one, two := got[6].Header, got[7].Header
			if one.Ino != two.Ino || one.Ino == got[2].Ino {
				t.Errorf("inodes: got %d for one, %d for two, %d for file, want the first two alike", one.Ino, two.Ino, got[2].Ino)
			}
		})
	}
}
