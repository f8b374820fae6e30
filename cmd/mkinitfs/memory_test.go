package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestMemory builds a root of 2 GiB in bounded memory. One file is larger than any member,
// and members are packed side by side.
func TestMemory(t *testing.T) {
	testenv.Boots(t) // takes as long as a boot
	const most = 300 << 10

	dir := t.TempDir()
	for name, size := range map[string]int64{"large": 1 << 30, "a": 256 << 20, "b": 256 << 20, "c": 256 << 20, "d": 256 << 20} {
		file := filepath.Join(dir, name)
		writeFile(t, file, nil)
		if err := os.Truncate(file, size); err != nil {
			t.Fatal(err)
		}
	}
	// The command, without the race detector and the tests.
	mkinitfs := filepath.Join(t.TempDir(), "mkinitfs")
	if out, err := exec.Command("go", "build", "-o", mkinitfs, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, lines := range []string{"root: {type: none}\ncompress: none", "root: {type: tmpfs, payload: zstd}"} {
		t.Run(strings.ReplaceAll(lines, "\n", ", "), func(t *testing.T) {
			manifest := filepath.Join(t.TempDir(), "root.yaml")
			writeFile(t, manifest, []byte("version: 1\n"+lines+"\ncontents: [{type: tree, src: \""+dir+"\", dst: /}]\n"))
			cmd := exec.Command(maxRSS(t), mkinitfs, "build", manifest, "-o", "/dev/null")
			cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+ownCache(t))
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			got := peak(t, out)
			if got > most {
				t.Errorf("got a peak of %d KiB, want %d at most\n%s", got, most, out)
			}
			t.Logf("peak: %d KiB", got)
		})
	}
}

// TestMemoryOCI builds from an archive of 3 GiB with a container's image of 100,000 files.
func TestMemoryOCI(t *testing.T) {
	testenv.Matrix(t)
	testenv.Boots(t)
	const most, files, size = 200 << 10, 100_000, 32 << 10

	archive := filepath.Join(t.TempDir(), "app.tar")
	f, err := os.Create(archive)
	check(t, err)
	defer f.Close()
	layer := func(w io.Writer) {
		tw := tar.NewWriter(w)
		zeros := make([]byte, size)
		for i := range files {
			tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Mode: 0o644, Size: size, Name: fmt.Sprintf("usr/share/directory%d/file%d", i/500, i)})
			tw.Write(zeros)
		}
		tw.Close()
	}
	sum := sha256.New()
	layer(sum)
	length := int64(files)*(512+size) + 1024
	w := tar.NewWriter(f)
	add := func(name string, size int64) io.Writer {
		check(t, w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Mode: 0o644, Name: name, Size: size}))
		return w
	}
	config := fmt.Sprintf(`{"os":"linux","architecture":"amd64","rootfs":{"type":"layers","diff_ids":["sha256:%x"]}}`, sum.Sum(nil))
	index := `[{"Config":"config.json","RepoTags":["app:latest"],"Layers":["layer.tar"]}]`
	io.WriteString(add("config.json", int64(len(config))), config)
	io.WriteString(add("manifest.json", int64(len(index))), index)
	layer(add("layer.tar", length))
	check(t, w.Close())

	mkinitfs := filepath.Join(t.TempDir(), "mkinitfs")
	if out, err := exec.Command("go", "build", "-o", mkinitfs, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	manifest := filepath.Join(t.TempDir(), "root.yaml")
	writeFile(t, manifest, []byte("version: 1\narch: amd64\ncontents: [{type: oci, src: \""+archive+"\"}]\n"))
	cmd := exec.Command(maxRSS(t), mkinitfs, "build", manifest, "-o", "/dev/null")
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+ownCache(t))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if got := peak(t, out); got > most {
		t.Errorf("got a peak of %d KiB, want %d at most\n%s", got, most, out)
	}
}

// peak returns what maxrss printed last, in KiB.
func peak(t *testing.T, out []byte) (kib int64) {
	t.Helper()
	last := strings.TrimSpace(string(out))
	last = last[strings.LastIndexByte(last, '\n')+1:]
	if _, err := fmt.Sscanf(last, "maxrss %d KiB", &kib); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return kib
}

// TestMemoryReading reads images that are made to take much memory. The bound is 64 MiB, 1
// KiB for each entry and the window of the stream. The messages of list show that it reads an
// image as far as intended.
func TestMemoryReading(t *testing.T) {
	file := func(name, content string) cpioEntry {
		return cpioEntry{cpio.Header{Name: name, Mode: cpio.TypeFile | 0o644, Nlink: 1}, content}
	}
	raw := func(entries ...cpioEntry) []byte {
		var b bytes.Buffer
		archive(t, &b, entries...)
		return b.Bytes()
	}
	packed := func(data []byte) []byte {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := w.Write(data)
		check(t, errors.Join(err, w.Close()))
		return b.Bytes()
	}
	var many, longNames, longMissing, missing []cpioEntry
	for i := range 200_000 {
		many = append(many, file(fmt.Sprintf("file-%06d", i), ""))
	}
	for i := range 20_000 {
		longNames = append(longNames, file(fmt.Sprintf("%05d%s", i, strings.Repeat("/..", 1300)), ""))
		longMissing = append(longMissing, file(strings.Repeat(fmt.Sprintf("%05d/", i), 600)+"x", ""))
		missing = append(missing, file(fmt.Sprintf("%05d/", i)+strings.Repeat("d/", 100)+"x", ""))
	}
	var values strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&values, "attr user.x %04d%s\n/a\n", i, strings.Repeat("y", 60_000))
	}
	table := func(lines string) []byte {
		return packed(raw(file(".mkinitfs/xattrs", "xattrs 1\n"+lines)))
	}
	for _, test := range []struct {
		name    string
		data    []byte
		entries int64
		windows int64
		says    string
	}{
		{"many entries", raw(many...), int64(len(many)), 0, ""},
		{"long names", packed(raw(longNames...)), int64(len(longNames)), 0, "the names of its 1150 entries take more than 4 MiB"},
		{"long names of missing directories", packed(raw(longMissing...)), int64(len(longMissing)), 0, "the names of its 1254 entries take more than 4 MiB"},
		{"missing directories", packed(raw(missing...)), int64(len(missing)), 0, "dropped: more directories have no entry than any root has directories"},
		{"a table of paths", table("attr user.x y\n" + strings.Repeat("/a/path/that/is/not/there\n", 10<<20)), 1, 0, "more than 524288 attributes"},
		{"a table of values", table(values.String()), 1, 0, "names and values of more than 16 MiB"},
		{"a line without an end", table("attr user.x " + strings.Repeat("y", 300<<20)), 1, 0, "line is too long"},
		{"a boot plan of lines", packed(raw(file(".mkinitfs/plan", "mkinitfs 1\n"+strings.Repeat("\n", 200<<20)))), 1, 0, "209715211 bytes, at most 1048576 are possible"},
		{"an lzma window of 4 GiB", []byte("\x5d\x00\x00\xff\xff" + strings.Repeat("\xff", 8) + strings.Repeat("\x00", 4096)), 1, 1, "lzma: dictionary of 4096 MiB, more than 128 MiB"},
		{"a zstd window of 1 GiB", []byte("\x28\xb5\x2f\xfd\x00\xa0" + strings.Repeat("\x00", 4096)), 1, 1, "zstd: window of 1024 MiB, more than 128 MiB"},
	} {
		img := filepath.Join(t.TempDir(), "image")
		writeFile(t, img, test.data)
		most := 64<<10 + test.entries + test.windows*128<<10
		for _, args := range [][]string{{"list", img}, {"size", img}, {"inspect", img}, {"verify", img}, {"diff", img, img}, {"extract", img, filepath.Join(t.TempDir(), "root")}} {
			if test.name == "many entries" && args[0] == "extract" && os.Getenv("MKINITFS_TEST_FAST") == "1" {
				continue
			}
			most := most
			if args[0] == "diff" { // reads two images
				most += test.entries + test.windows*128<<10
			}
			cmd := exec.Command(maxRSS(t), append([]string{commandPath(t)}, args...)...)
			var words bytes.Buffer
			cmd.Stderr = &words
			out, _ := cmd.Output()
			if args[0] == "list" && (!strings.Contains(words.String(), test.says) || test.says == "" && words.Len() > 0) {
				t.Errorf("%s: list says %q, want %q", test.name, &words, test.says)
			}
			text := string(out)
			var got int64
			if _, err := fmt.Sscanf(text[max(strings.LastIndex(text, "maxrss"), 0):], "maxrss %d KiB", &got); err != nil {
				t.Fatalf("%s, %s: %v", test.name, args[0], err)
			}
			if got > most {
				t.Errorf("%s, %s: got a peak of %d KiB, want %d at most", test.name, args[0], got, most)
			}
			t.Logf("%s, %s: %d KiB", test.name, args[0], got)
		}
	}
}

// maxRSS returns a path under which this test binary acts as measureMemory.
func maxRSS(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("maxrss")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// measureMemory runs a command and prints the most memory that it had. It is a process of its
// own, because Linux also counts the memory that the parent once had, if that is more
// (setmax_mm_hiwater_rss in fs/exec.c).
func measureMemory() {
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer os.Exit(cmd.ProcessState.ExitCode())
	fmt.Printf("maxrss %d KiB\n", cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
}
