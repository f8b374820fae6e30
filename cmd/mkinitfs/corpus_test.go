package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/internal/corpus"
	"github.com/mkinitfs/mkinitfs/internal/guest/report"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestExtractCorpus extracts every image of the corpus. The result must be what a kernel made
// of it, with status 1 if the kernel complained.
func TestExtractCorpus(t *testing.T) {
	fast := os.Getenv("MKINITFS_TEST_FAST") == "1" // takes some images only
	for _, c := range corpus.Cases() {
		text, err := os.ReadFile(filepath.Join(repository(t), "internal/corpus/testdata", c.Name+".want"))
		if err != nil {
			t.Fatal(err)
		}
		want, err := corpus.ParseWant(string(text))
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		t.Run(c.Name, func(t *testing.T) {
			for n, i := range c.Images {
				if fast && n%4 != 0 {
					continue
				}
				t.Run(i.Name, func(t *testing.T) {
					t.Parallel()
					got, words := extractImage(t, i)
					if diff := differs(wanted(c, i, want[i.Name].Result), got); diff != "" {
						t.Errorf("-kernel +extract:\n%s%s", diff, words)
					}
				})
			}
		})
	}
}

// TestListCorpus compares list and cat with what extract makes.
func TestListCorpus(t *testing.T) {
	fast := os.Getenv("MKINITFS_TEST_FAST") == "1" // takes some images only
	for _, c := range corpus.Cases() {
		for n, i := range c.Images {
			// The missing rest of a truncated file is a hole, which cat does not print.
			truncated := strings.HasPrefix(c.Name, "cut-") || strings.HasPrefix(c.Name, "size-")
			if truncated || fast && n%4 != 0 {
				continue
			}
			t.Run(c.Name+"/"+i.Name, func(t *testing.T) {
				t.Parallel()
				made, words := extractImage(t, i)
				data, err := i.Bytes()
				if err != nil {
					t.Fatal(err)
				}
				entries, _, err := image.List(bytes.NewReader(data))
				if (err != nil) != (made.status != 0) {
					t.Errorf("list ends with %v, extract with status %d", err, made.status)
				}
				files, _ := image.ReadFiles(bytes.NewReader(data))
				listed := outcome{status: made.status, lines: corpus.Lines(reported(t, entries, files))}
				// Directories without an entry are made by extract and not listed.
				made.lines = slices.DeleteFunc(made.lines, func(line string) bool {
					return !slices.ContainsFunc(entries, func(e image.Entry) bool {
						return strings.HasPrefix(line, e.Path()+" ") || strings.HasPrefix(line, strconv.Quote(e.Path())+" ")
					})
				})
				if diff := differs(made, listed); diff != "" {
					t.Errorf("-extract +list:\n%s%s", diff, words)
				}
			})
		}
	}
}

// reported returns entries in the form of the guest's report, with the contents that cat
// prints.
func reported(t *testing.T, entries []image.Entry, files *image.Files) []report.Entry {
	t.Helper()
	inodes := map[string]uint64{}
	for i, e := range entries {
		inodes[e.Path()] = uint64(i + 1)
	}
	var all []report.Entry
	for _, e := range entries {
		r := report.Entry{Path: e.Path(), Mode: e.Mode & 0o177777, UID: e.UID, GID: e.GID, Ino: inodes[e.Path()], Nlink: 1, MTime: e.MTime, Target: e.Link}
		switch e.Type() {
		case cpio.TypeLink:
			if e.Link == "" {
				continue // only the kernel can make it
			}
		case cpio.TypeChar, cpio.TypeBlock:
			r.Major, r.Minor = e.RdevMajor, e.RdevMinor
		case cpio.TypeFile:
			if files != nil {
				var content bytes.Buffer
				if err := files.Copy(&content, e.Path()); err != nil {
					t.Errorf("cat %s: %v", e.Path(), err)
				}
				if int64(content.Len()) != e.Size {
					t.Errorf("%s: cat has %d bytes, list %d", e.Path(), content.Len(), e.Size)
				}
				r.SHA256 = sum(content.String())
			}
			r.Size = e.Size
		}
		if e.HardLinkOf != "" {
			r.Ino = inodes[path.Clean("/"+e.HardLinkOf)]
		}
		all = append(all, r)
	}
	names := map[uint64]uint64{}
	for _, r := range all {
		names[r.Ino]++
	}
	for i := range all {
		all[i].Nlink = names[all[i].Ino]
	}
	return all
}

// TestExtractCorpusWrong compares an extraction with wrong results, and must notice each.
func TestExtractCorpusWrong(t *testing.T) {
	c := corpus.Cases()[0]
	got, words := extractImage(t, c.Images[0])
	if got.status != 0 || len(got.lines) == 0 {
		t.Fatalf("got status %d and %d lines, want some\n%s", got.status, len(got.lines), words)
	}
	for n := range got.lines {
		wrong := outcome{lines: slices.Clone(got.lines)}
		wrong.lines[n] += "0"
		if differs(wrong, got) == "" {
			t.Errorf("a wrong line goes unnoticed: %s", wrong.lines[n])
		}
		wrong.lines = slices.Delete(wrong.lines, n, n+1)
		if differs(wrong, got) == "" {
			t.Errorf("an entry too many goes unnoticed: %s", got.lines[n])
		}
	}
	if differs(outcome{status: 1, lines: got.lines}, got) == "" {
		t.Error("a wrong status goes unnoticed")
	}
}

// outcome is the result of an extraction: the exit status, and a line for each entry.
type outcome struct {
	status int
	lines  []string
	rough  bool // the lines do not count
}

// wanted returns what extract should make of an image: what the kernel made, with a few
// deliberate differences.
func wanted(c corpus.Case, i corpus.Image, r corpus.Result) outcome {
	want := outcome{lines: r.All(i)}
	if len(r.Says) > 0 {
		want.status = exitFailed
	}
	switch rest := strings.TrimLeft(i.Name, "abcdefghijklmnopqrstuvwxyz0123456789"); {
	case i.Name == "xz-delta":
		return outcome{status: exitFailed} // the error names the filter
	case c.Name == "codecs-refused", c.Name == "codecs-filters":
		// Codecs that only some kernels have, or none, are read all the same.
		return outcome{lines: codecLines}
	case c.Name == "tails" && (rest == "-ff" || rest == "-zeros-ff" || rest == "-ff-zeros"):
		want.status = 0 // an erased flash is no fault of the image
	case c.Name == "magic-odc-only":
		want.status = exitFailed // the kernel is silent about so few bytes
	case i.Name == "3-zeros-gzip":
		return outcome{lines: want.lines, rough: true} // the guest's archive is not in front of it here
	case slices.Equal(r.Says, []string{"something"}):
		want.rough = true // as much as could be read
	}
	want.lines = append(want.lines, parents[c.Name]...)
	want.lines = slices.DeleteFunc(want.lines, func(line string) bool {
		// Only the kernel can make a link without a target, or a further name of such a link.
		return strings.HasSuffix(line, ` -> ""`) || line == "/etc/gone2 = /etc/gone1" ||
			c.Name == "odd-names" && strings.HasPrefix(line, "/etc/end file ") // its children, which come before it, make it a directory
	})
	return want
}

// codecLines are the entries in the archives of the cases codecs-refused and codecs-filters.
var codecLines = []string{
	"/etc dir 0755 0:0 5",
	"/etc/a file 0644 0:0 1 6 " + sum("hello\n"),
	"/etc/end file 0644 0:0 9 8 " + sum("the end\n"),
}

// parents are the entries that the kernel drops because their parents are missing. extract
// makes them. The time * stands for any time.
var parents = map[string][]string{
	"missing-parents": {
		"/a/x file 0644 0:0 0 1 " + sum("x"), "/a/b dir 0755 0:0 0", "/a/b/x file 0644 0:0 0 1 " + sum("x"), "/a/l link 0777 0:0 0 -> x", "/a/fifo fifo 0600 0:0 0",
		"/deep dir 0755 0:0 *", "/deep/er dir 0755 0:0 *", "/deep/er/est dir 0755 0:0 0",
	},
	"odd-names": {
		"/etc/end dir 0755 0:0 0", "/etc/end/x file 0644 0:0 0 12 " + sum("below a file"), "/etc/end/y file 0644 0:0 0 12 " + sum("below a file"),
	},
	"bodies": {"/etc/dir dir 0755 0:0 *", "/etc/dir/x file 0644 0:0 0 21 " + sum("its parent is missing")},
	"links-broken": {
		"/none dir 0755 0:0 *", "/etc/second file 0644 0:0 0 12 " + sum("lost with it"), "/etc/third = /etc/second", "/none/first = /etc/second", "/none/n2 = /etc/n1",
	},
}

func sum(content string) string {
	digest := sha256.Sum256([]byte(content))
	return hex.EncodeToString(digest[:])
}

var (
	owner   = regexp.MustCompile(`^(\S+ \S+ )(\d)(\d{3}) \d+:\d+`)
	theRoot = regexp.MustCompile(`^(/|/dev|/root) `)
)

// differs returns the difference between want and got, or "". The root, /dev and /root count
// only if the image has entries for them. Owners and device nodes count only if this is root.
func differs(want, got outcome) string {
	if want.rough {
		got.lines = want.lines
	}
	prepare := func(o outcome) []string {
		lines := []string{}
		for _, line := range o.lines {
			given := func(wanted string) bool { return theRoot.FindString(wanted) == theRoot.FindString(line) }
			if i := strings.LastIndexByte(line, ' '); slices.Contains(want.lines, line[:i]+" *") {
				line = line[:i] + " *"
			}
			switch {
			case theRoot.MatchString(line) && !slices.ContainsFunc(want.lines, given):
				continue
			case os.Geteuid() != 0 && (strings.Contains(line, " char ") || strings.Contains(line, " block ")):
				continue
			case os.Geteuid() != 0:
				line = owner.ReplaceAllString(line, "$1$3")
			}
			lines = append(lines, line)
		}
		slices.Sort(lines)
		return lines
	}
	diff := gocmp.Diff(prepare(want), prepare(got))
	if want.status != got.status {
		diff += gocmp.Diff(want.status, got.status)
	}
	return diff
}

// extractImage extracts an image and returns the outcome and the messages of the command.
func extractImage(t *testing.T, i corpus.Image) (outcome, string) {
	t.Helper()
	for _, tool := range i.Tools() {
		testenv.Tool(t, tool)
	}
	data, err := i.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "root")
	status, _, words := inProcess(bytes.NewReader(data), os.LookupEnv, "extract", "-", dir)
	if status != 0 && status != exitFailed {
		t.Fatalf("extract: exit status %d\n%s", status, words)
	}
	return outcome{status: status, lines: corpus.Lines(entriesBelow(t, dir))}, words
}

// entriesBelow returns the entries below a directory in the form of the guest's report.
func entriesBelow(t *testing.T, dir string) []report.Entry {
	t.Helper()
	var entries []report.Entry
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var s unix.Stat_t
		if err := unix.Lstat(path, &s); err != nil {
			return err
		}
		e := report.Entry{
			Path: filepath.Join("/", strings.TrimPrefix(path, dir)), Mode: s.Mode, UID: s.Uid, GID: s.Gid, Nlink: uint64(s.Nlink),
			Ino: s.Ino, MTime: s.Mtim.Sec, Major: unix.Major(s.Rdev), Minor: unix.Minor(s.Rdev),
		}
		switch s.Mode & unix.S_IFMT {
		case unix.S_IFLNK:
			e.Target, err = os.Readlink(path)
		case unix.S_IFREG:
			var content []byte
			content, err = os.ReadFile(path)
			e.Size, e.SHA256 = s.Size, sum(string(content))
		}
		entries = append(entries, e)
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return entries
}
