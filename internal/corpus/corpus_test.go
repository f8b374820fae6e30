package corpus_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/internal/corpus"
	"github.com/mkinitfs/mkinitfs/internal/guest/report"
)

// TestWants wants a result of every image, made from the image as it is, and no other.
func TestWants(t *testing.T) {
	files, err := filepath.Glob("testdata/*.want")
	if err != nil {
		t.Fatal(err)
	}
	cases := corpus.Cases()
	if len(files) != len(cases) {
		t.Errorf("got %d files for %d cases", len(files), len(cases))
	}
	ids := map[string]string{}
	for _, c := range cases {
		text, err := os.ReadFile(filepath.Join("testdata", c.Name+".want"))
		if err != nil {
			t.Error(err)
			continue
		}
		want, err := corpus.ParseWant(string(text))
		if err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		if len(want) != len(c.Images) {
			t.Errorf("%s: got %d results for %d images", c.Name, len(want), len(c.Images))
		}
		for _, i := range c.Images {
			if got := want[i.Name].ID; got != i.ID() {
				t.Errorf("%s: the result of %s is of image %q, the image is %s\n  go test ./internal/corpus -run 'TestBoot.*/%s$/%s$' -update",
					c.Name, i.Name, got, i.ID(), c.Name, i.Name)
			}
			if same := ids[i.ID()]; same != "" {
				t.Errorf("%s: %s is the same image as %s", c.Name, i.Name, same)
			}
			ids[i.ID()] = c.Name + " " + i.Name
		}
		if diff := cmp.Diff(string(text), want.Format(c)); diff != "" {
			t.Errorf("%s: -file +formatted\n%s", c.Name, diff)
		}
	}
}

func TestParseWantErrors(t *testing.T) {
	for text, want := range map[string]string{
		"image raw\n":                       `line 1: image "raw" has no sum or comes twice`,
		"image a 1\nimage a 2\n":            `line 2: image "a" has no sum or comes twice`,
		"# about\n\nsays nothing\n":         `line 3: "says nothing" belongs to no image`,
		"image a 1\nsays nothing\n\n/etc\n": `line 4: "/etc" belongs to no image`,
	} {
		if _, err := corpus.ParseWant(text); err == nil || err.Error() != want {
			t.Errorf("%q: got error %v, want %s", text, err, want)
		}
	}
}

// TestNewResult holds results against those read from text: without the lines of the
// archives in front and behind, and with them where not all are there.
func TestNewResult(t *testing.T) {
	for _, c := range corpus.Cases() {
		if c.Name != "trailer-only" {
			continue
		}
		for _, i := range c.Images {
			all := corpus.Result{}.All(i)
			if diff := cmp.Diff(corpus.Result{}, corpus.NewResult(i, all, nil)); diff != "" {
				t.Errorf("%s: -want +got\n%s", i.Name, diff)
			}
			if !i.Early && !i.Other {
				continue
			}
			if got := corpus.NewResult(i, all[1:], nil); len(got.Lost) != 1 || len(got.Lines) != len(all)-1 {
				t.Errorf("%s: got %+v without one line, want an archive lost", i.Name, got)
			}
		}
	}
}

func TestSays(t *testing.T) {
	log := "[    1.0] Unpacking initramfs...\n[    1.2] bootconfig size 20 is greater than initrd size 10\n" +
		"Initramfs unpacking failed: no \"cpio\" magic\n[    2.0] Run /init as init process\n"
	want := []string{`"bootconfig size N is greater than initrd size N"`, `"Initramfs unpacking failed: no \"cpio\" magic"`}
	if diff := cmp.Diff(want, corpus.Says([]byte(log))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestLines(t *testing.T) {
	const now = 1790000000
	got := corpus.Lines([]report.Entry{
		{Path: "/", Mode: 0o41777, MTime: now}, {Path: "/dev", Mode: 0o40755, MTime: now}, {Path: "/root", Mode: 0o40700, MTime: 3},
		{Path: "/guest", Mode: 0o100755}, {Path: "/b", Mode: 0o100644, Ino: 7, Nlink: 2, MTime: now}, {Path: "/a b", Mode: 0o104755, Ino: 7, Nlink: 2, Size: 1, SHA256: "5a"},
		{Path: "/link", Mode: 0o120777, Target: ""}, {Path: "/tty", Mode: 0o20600, UID: 1, GID: 2, Major: 4, Minor: 64},
	})
	want := []string{
		`"/a b" file 4755 0:0 0 1 5a`, `/b = "/a b"`, `/link link 0777 0:0 0 -> ""`, `/root dir 0700 0:0 3`, `/tty char 0600 1:2 0 4:64`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := corpus.Lines([]report.Entry{{Path: "/long", Mode: 0o120777, Target: strings.Repeat("x", 4000), MTime: now}}); !strings.HasPrefix(got[0], "/long link 0777 0:0 now -> (4000 bytes, ") {
		t.Errorf("got %q of a long target", got)
	}
}
