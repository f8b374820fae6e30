package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestMemory builds a root of 2 GiB in bounded memory, with a file larger than any
// member and with members side by side.
func TestMemory(t *testing.T) {
	testenv.Boots(t) // takes as long as one
	const most = 300 << 10

	dir := t.TempDir()
	for name, size := range map[string]int64{"large": 1 << 30, "a": 256 << 20, "b": 256 << 20, "c": 256 << 20, "d": 256 << 20} {
		file := filepath.Join(dir, name)
		writeFile(t, file, nil)
		if err := os.Truncate(file, size); err != nil {
			t.Fatal(err)
		}
	}
	// The command without what the race detector and the tests add to it.
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
			var got int64
			last := strings.TrimSpace(string(out))
			last = last[strings.LastIndexByte(last, '\n')+1:]
			if _, err := fmt.Sscanf(last, "maxrss %d KiB", &got); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if got > most {
				t.Errorf("got a peak of %d KiB, want %d at most\n%s", got, most, out)
			}
			t.Logf("peak: %d KiB", got)
		})
	}
}

// maxRSS is the path of the program that measureMemory is.
func maxRSS(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("maxrss")
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// measureMemory runs a command and says how much memory that had at most. It is a
// process of its own since Linux counts in what the parent once had, if this is
// larger (setmax_mm_hiwater_rss in fs/exec.c).
func measureMemory() {
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("maxrss %d KiB\n", cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)
}
