package main

import (
	"bytes"
	"crypto/rand"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestInterrupt stops running builds. They must leave nothing behind.
func TestInterrupt(t *testing.T) {
	src := t.TempDir()
	noise := make([]byte, 30<<20)
	rand.Read(noise)
	writeFile(t, filepath.Join(src, "noise"), noise)
	writeFile(t, filepath.Join(src, "go.mod"), []byte("module example.com/slow\n"))
	hang := filepath.Join(src, "hang")
	writeFile(t, hang, []byte("#!/bin/sh\ncd \"${0%/*}\"\n[ \"$1\" = later ] && mkdir tried 2>/dev/null && exec gzip\nsleep 1000 &\necho $! >pid\nwait\n"))
	if err := os.Chmod(hang, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(src, "main.go"), []byte("package main\n\nimport _ \"net/http\"\n\nfunc main() {}\n"))

	stub := filepath.Join(t.TempDir(), "stub") // a compiled one would print a line to standard error
	writeFile(t, stub, emptyProgram(elf.EM_X86_64))
	tests := []struct {
		name     string
		manifest string
		signal   syscall.Signal
		busy     string // a file that exists during the slow part, below the manifest's directory or $TMPDIR; "" is the open new image
	}{
		{
			"xz", "compress: xz\nroot: {type: none}\ncontents: [{type: file, src: noise, dst: /init}]\n", syscall.SIGINT,
			"",
		},
		{
			"payload", "root: {payload: \"gzip:9\"}\ncontents: [{type: tree, src: ., dst: /a}, {type: tree, src: ., dst: /b}]\n", syscall.SIGTERM,
			"",
		},
		{
			"go", "root: {type: none}\ncontents: [{type: go, src: ., dst: /init}]\n", syscall.SIGINT,
			"mkinitfs-go-*/go-build*/b*",
		},
		{
			"command that is tried", "compress: {command: [./hang]}\nroot: {type: none}\ncontents: [{type: file, src: noise, dst: /init}]\n", syscall.SIGINT,
			"pid",
		},
		{
			"command", "root: {payload: {command: [./hang, later]}}\ncontents: [{type: tree, src: ., dst: /}]\n", syscall.SIGTERM,
			"pid",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out, tmp, cache := t.TempDir(), t.TempDir(), ownCache(t)
			manifest, img := filepath.Join(src, "root.yaml"), filepath.Join(out, "root.img")
			writeFile(t, manifest, []byte("version: 1\narch: amd64\n"+test.manifest))
			writeFile(t, img, []byte("as it was"))

			cmd := exec.Command(commandPath(t), "build", manifest, "-o", img, "--stub", stub)
			cmd.Env = append(os.Environ(), "TMPDIR="+tmp, "GOTMPDIR=", "GOCACHE="+t.TempDir(), "XDG_CACHE_HOME="+cache)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			busy := func() bool {
				if test.busy == "" {
					return holds(cmd.Process.Pid, out)
				}
				return slices.ContainsFunc([]string{src, tmp}, func(dir string) bool { return matches(filepath.Join(dir, test.busy)) })
			}
			for !busy() {
				select {
				case err := <-ended:
					t.Fatalf("ended by itself: %v\n%s", err, &stderr)
				case <-time.After(time.Millisecond):
				}
			}
			time.Sleep(100 * time.Millisecond) // well into it
			if err := cmd.Process.Signal(test.signal); err != nil {
				t.Fatal(err)
			}
			err := <-ended
			wantKilled(t, err, test.signal)
			if stderr.Len() > 0 || stdout.Len() > 0 {
				t.Errorf("got %q and %q on standard output, want nothing", &stderr, &stdout)
			}
			if got := readFile(t, img); got != "as it was" {
				t.Errorf("got an image of %d bytes, want the one before", len(got))
			}
			for dir, want := range map[string]string{out: "root.img", tmp: ""} {
				if got := strings.Join(namesIn(dir), " "); got != want {
					t.Errorf("%s: got %q left, want %q", dir, got, want)
				}
			}
			if matches(filepath.Join(cache, "mkinitfs/packed/.*")) {
				t.Error("something unfinished is left in the cache")
			}
			if pid, err := os.ReadFile(filepath.Join(src, "pid")); err == nil {
				os.Remove(filepath.Join(src, "pid"))
				wantEnded(t, strings.TrimSpace(string(pid)))
			}
		})
	}
}

// TestInterruptWaiting stops commands that wait for a manifest or a root.
func TestInterruptWaiting(t *testing.T) {
	for _, args := range [][]string{
		{"build", "fifo", "-o", "x.img"}, {"build", "--from", "fifo", "-o", "x.img"}, {"build", "--from", "-", "-o", "x.img"},
		{"check", "fifo"}, {"check", "--from", "fifo"}, {"show", "fifo"}, {"show", "--from", "-"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(commandPath(t), args...)
			cmd.Dir = t.TempDir()
			fifo := filepath.Join(cmd.Dir, "fifo")
			if err := syscall.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			stdin, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			defer stdin.Close()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if slices.Contains(args, "fifo") {
				f, err := os.OpenFile(fifo, os.O_WRONLY, 0) // waits for the command to open it
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
			} else {
				time.Sleep(100 * time.Millisecond) // well into it
			}
			cmd.Process.Signal(syscall.SIGINT)
			wantKilled(t, cmd.Wait(), syscall.SIGINT)
			if got := namesIn(cmd.Dir); !slices.Equal(got, []string{"fifo"}) {
				t.Errorf("got %q left, want the FIFO", got)
			}
		})
	}
}

// TestInterruptWriting stops builds that wait for the reader of a FIFO: for its coming, and for
// it to go on reading.
func TestInterruptWriting(t *testing.T) {
	for _, reads := range []bool{false, true} {
		t.Run(fmt.Sprint("reader: ", reads), func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(commandPath(t), "build", "root.yaml", "-o", "fifo")
			cmd.Dir = t.TempDir()
			fifo := filepath.Join(cmd.Dir, "fifo")
			if err := syscall.Mkfifo(fifo, 0o600); err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(cmd.Dir, "noise"), make([]byte, 1<<20)) // more than a FIFO holds
			writeFile(t, filepath.Join(cmd.Dir, "root.yaml"),
				[]byte("version: 1\nroot: {type: none}\ncompress: none\ncontents: [{type: file, src: noise, dst: /init}]\n"))
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if reads {
				f, err := os.Open(fifo)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				if _, err := io.ReadFull(f, make([]byte, 6)); err != nil {
					t.Fatal(err)
				}
			}
			time.Sleep(100 * time.Millisecond) // well into it
			cmd.Process.Signal(syscall.SIGTERM)
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			select {
			case err := <-ended:
				wantKilled(t, err, syscall.SIGTERM)
			case <-time.After(testenv.Timeout(t) / 20):
				cmd.Process.Kill()
				t.Error("got no end, want that of SIGTERM")
			}
		})
	}
}

// TestInterruptReading stops commands that wait for the rest of an image.
func TestInterruptReading(t *testing.T) {
	start := func(script string) (cmd *exec.Cmd, stdin io.WriteCloser) {
		cmd = exec.Command("sh", "-c", script)
		cmd.Dir = t.TempDir()
		stdin, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		stdin.Write(make([]byte, 1<<20)) // padding: more than a pipe holds
		return cmd, stdin
	}
	for _, command := range []string{"list -", "size -"} {
		cmd, stdin := start("exec mkinitfs " + command)
		cmd.Process.Signal(syscall.SIGINT)
		wantKilled(t, cmd.Wait(), syscall.SIGINT)
		stdin.Close()
	}

	// A signal that is ignored from the start, as under nohup, stays ignored.
	cmd, stdin := start("trap '' HUP; exec mkinitfs extract - out")
	cmd.Process.Signal(syscall.SIGHUP)
	stdin.Close()
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("got %v, want exit status 1", err)
	}
}

// wantKilled checks that a process died of a signal.
func wantKilled(t *testing.T, err error, want syscall.Signal) {
	t.Helper()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.Sys().(syscall.WaitStatus).Signal() != want {
		t.Errorf("got %v, want the signal %q", err, want)
	}
}

// wantEnded waits for a killed process to end.
func wantEnded(t *testing.T, pid string) {
	t.Helper()
	for ended := time.Now().Add(testenv.Timeout(t)); time.Now().Before(ended); {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || bytes.Contains(stat, []byte(") Z ")) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %s is still there", pid)
}

// holds reports whether a process has a file open in a directory. The file need not
// have a name.
func holds(pid int, dir string) bool {
	fds := fmt.Sprintf("/proc/%d/fd", pid)
	return slices.ContainsFunc(namesIn(fds), func(fd string) bool {
		link, _ := os.Readlink(filepath.Join(fds, fd))
		return strings.HasPrefix(link, dir+"/")
	})
}

// namesIn returns the names in a directory.
func namesIn(dir string) []string {
	entries, _ := os.ReadDir(dir)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// matches reports whether a pattern matches a file.
func matches(pattern string) bool {
	found, _ := filepath.Glob(pattern)
	return len(found) > 0
}
