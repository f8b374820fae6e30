package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/difference"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestDiffDebian changes all files of one package of a Debian root. diff names these files, as
// dpkg's list of the package has them, and nothing else.
func TestDiffDebian(t *testing.T) {
	testenv.Boots(t) // takes as long as a boot
	root := testenv.DebianRoot(t)
	files := packageFiles(t, root, "grep")
	if len(files) < 50 {
		t.Fatalf("got %d files of the package, want the list of dpkg", len(files))
	}
	dir := t.TempDir()
	text := "version: 1\nroot: {type: none}\narch: amd64\ninit: none\ncontents:\n  - {type: tar, src: \"" + root + "\"}\n"
	before, after := filepath.Join(dir, "before.yaml"), filepath.Join(dir, "after.yaml")
	writeFile(t, before, []byte(text))
	for _, file := range files {
		text += fmt.Sprintf("  - {type: file, dst: %q, content: upgraded, replace: true}\n", file)
	}
	writeFile(t, after, []byte(text))
	img := filepath.Join(dir, "after.img")
	if out, err := exec.Command(commandPath(t), "build", after, "-o", img, "--compress", "none").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	cmd := exec.Command(commandPath(t), "diff", before, img, "--json")
	var words bytes.Buffer
	cmd.Stderr = &words
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Fatalf("got %v, want exit status 1\n%s", err, &words)
	}
	var got diffJSON
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	var changed []string
	for _, c := range got.Entries {
		changed = append(changed, c.Change+" "+c.Path)
	}
	var want []string
	for _, file := range files {
		want = append(want, "changed "+file)
	}
	if diff := cmp.Diff(want, changed); diff != "" {
		t.Errorf("-dpkg +diff:\n%s\n%s", diff, &words)
	}
}

// packageFiles returns the regular files of a package in the Debian root, a tarball, sorted.
func packageFiles(t *testing.T, root, name string) []string {
	t.Helper()
	f, err := os.Open(root)
	check(t, err)
	defer f.Close()
	regular, list := map[string]bool{}, ""
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		check(t, err)
		at := filepath.Join("/", h.Name)
		regular[at] = h.Typeflag == tar.TypeReg
		if at == "/var/lib/dpkg/info/"+name+".list" {
			text, err := io.ReadAll(r)
			check(t, err)
			list = string(text)
		}
	}
	var files []string
	for _, file := range strings.Fields(list) {
		if strings.HasPrefix(file, "/bin/") {
			file = "/usr" + file
		}
		if regular[file] {
			files = append(files, file)
		}
	}
	slices.Sort(files)
	return files
}

// TestDiffMemory compares two images of a file that is larger than the memory that they may take.
func TestDiffMemory(t *testing.T) {
	t.Parallel()
	testenv.Boots(t) // takes as long as a boot
	const size, most = 256 << 20, 200 << 10
	dir := t.TempDir()
	raw, packed := filepath.Join(dir, "raw.img"), filepath.Join(dir, "packed.img")
	var head bytes.Buffer
	w := cpio.NewWriter(&head)
	check(t, w.WriteHeader(&cpio.Header{Name: "large", Mode: cpio.TypeFile | 0o644, Nlink: 1, Size: size}))
	f, err := os.Create(raw)
	check(t, err)
	defer f.Close()
	_, err = f.Write(head.Bytes())
	check(t, err)
	var end bytes.Buffer
	check(t, cpio.NewWriter(&end).Close())
	_, err = f.WriteAt(end.Bytes(), int64(head.Len())+size)
	check(t, err)
	if out, err := exec.Command("sh", "-c", "gzip -1 <"+raw+" >"+packed).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(maxRSS(t), commandPath(t), "diff", raw, packed, "--ignore", difference.Segments)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	text := string(out)
	var got int64
	if _, err := fmt.Sscanf(text[max(strings.LastIndex(text, "maxrss"), 0):], "maxrss %d KiB", &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got > most || !strings.Contains(text, "no difference in 1 entry") {
		t.Errorf("got a peak of %d KiB, want %d at most and no difference\n%s", got, most, out)
	}
	t.Logf("peak: %d KiB", got)
}

// Every attribute that diff finds has words.
func TestDiffWords(t *testing.T) {
	e := &difference.Entry{Path: "/a"}
	c := &difference.Change{A: e, B: e}
	for _, name := range difference.Ignorable() {
		switch name {
		case difference.Plan, difference.Beside, difference.Segments:
			continue
		}
		if text := attributeText(c, difference.Attribute{Name: name}); text == "" {
			t.Errorf("%s: got no words", name)
		}
	}
}

// diff prints its JSON in pieces. Together they are what the encoder prints.
func TestDiffJSONPieces(t *testing.T) {
	list := func(paths ...string) (all []difference.Entry) {
		for _, p := range paths {
			all = append(all, difference.Entry{Path: p, Mode: cpio.TypeFile | 0o644, UID: uint32(len(paths))})
		}
		return all
	}
	for _, test := range []struct{ a, b []difference.Entry }{
		{nil, nil}, {list("/a"), list("/a")}, {list("/a"), nil}, {list("/<a>", "/b\n  \"entries\": []"), list("/b\n  \"entries\": []")},
	} {
		a := &difference.Side{Name: "\"entries\": []", Kind: difference.Directory, Root: test.a}
		b := &difference.Side{Name: "b", Kind: difference.Directory, Root: test.b}
		r := &difference.Result{Skipped: []string{"x"}}
		r.Root, r.Counts = difference.Entries(test.a, test.b, nil)
		r.Beside = r.Root[:min(1, len(r.Root))]
		var want, got bytes.Buffer
		check(t, printJSON(&want, describeDiff(a, b, r)))
		check(t, printDiffJSON(&got, a, b, r))
		if diff := cmp.Diff(want.String(), got.String()); diff != "" {
			t.Errorf("-encoder +pieces:\n%s", diff)
		}
	}
}
