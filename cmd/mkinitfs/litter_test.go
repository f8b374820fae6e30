package main

import (
	"bytes"
	"crypto/rand"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// held is a build that reads its stub from a FIFO. It waits there before it packs.
type held struct {
	dir  string // of the manifest, of out and of the FIFO
	out  string // directory of the image
	img  string
	env  []string
	stub []byte
}

func newHeld(t *testing.T) *held {
	t.Helper()
	dir := t.TempDir()
	h := &held{dir: dir, out: filepath.Join(dir, "out"), stub: emptyProgram(elf.EM_X86_64)}
	h.img = filepath.Join(h.out, "root.img")
	h.env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"), "MKINITFS_CACHE=", "TMPDIR="+h.out)
	if err := errors.Join(os.Mkdir(h.out, 0o755), syscall.Mkfifo(filepath.Join(dir, "stub"), 0o600)); err != nil {
		t.Fatal(err)
	}
	noise := make([]byte, 2<<20)
	rand.Read(noise)
	writeFile(t, filepath.Join(dir, "noise"), noise)
	writeFile(t, filepath.Join(dir, "root.yaml"), []byte("version: 1\narch: amd64\nroot: {payload: zstd}\ncontents: [{type: file, src: noise, dst: /sbin/init}]\n"))
	return h
}

// command returns the build as a command. before are words in front of it.
func (h *held) command(t *testing.T, before ...string) *exec.Cmd {
	words := append(before, commandPath(t), "build", "root.yaml", "--stub", "stub", "-o", "out/root.img")
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir, cmd.Env = h.dir, h.env
	cmd.Stderr = &bytes.Buffer{}
	return cmd
}

// start starts a build and returns the write end of the FIFO once the build reads it.
func (h *held) start(t *testing.T, cmd *exec.Cmd) (pipe *os.File, ended chan error) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended = make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		pipe, err := os.OpenFile(filepath.Join(h.dir, "stub"), os.O_WRONLY|syscall.O_NONBLOCK, 0)
		if err == nil {
			return pipe, ended
		}
		select {
		case err := <-ended:
			t.Fatalf("ended by itself: %v\n%s", err, cmd.Stderr)
		case <-time.After(time.Millisecond):
		}
	}
}

// finish gives a build its stub and waits for it to end.
func (h *held) finish(t *testing.T, cmd *exec.Cmd, pipe *os.File, ended chan error) {
	t.Helper()
	pipe.Write(h.stub)
	pipe.Close()
	if err := <-ended; err != nil {
		t.Fatalf("%v\n%s", err, cmd.Stderr)
	}
}

// left returns the other names in the directory of the image.
func (h *held) left() []string {
	return slices.DeleteFunc(namesIn(h.out), func(name string) bool { return name == "root.img" })
}

// age makes all files that a build has left two days old.
func (h *held) age(t *testing.T) {
	t.Helper()
	old := time.Now().Add(-48 * time.Hour)
	for _, name := range h.left() {
		if err := os.Chtimes(filepath.Join(h.out, name), old, old); err != nil {
			t.Fatal(err)
		}
	}
}

// TestKilled kills builds, which then cannot clean up. With nameless files only a whole image
// can stay behind, from a kill between linkat and rename. Without them each kill leaves one
// file. A day later the next build removes it.
func TestKilled(t *testing.T) {
	for _, before := range [][]string{nil, {"named"}} {
		t.Run(strings.Join(append(before, "build"), " "), func(t *testing.T) {
			h := newHeld(t)
			nameless := before == nil && hasNameless(h.out)
			cmd := h.command(t, before...)
			pipe, ended := h.start(t, cmd)
			h.finish(t, cmd, pipe, ended)
			want := readFile(t, h.img)
			litter := 0
			for i := range 25 {
				cmd := h.command(t, before...)
				pipe, ended := h.start(t, cmd)
				if i%5 != 0 { // otherwise kill where every file is open
					pipe.Write(h.stub)
					pipe.Close()
					time.Sleep(time.Duration(i) * 100 * time.Microsecond) // to hit different places
				}
				cmd.Process.Kill()
				<-ended
				pipe.Close()
				left := h.left()
				if len(left) > litter+1 {
					t.Fatalf("got %q after %d kills, want at most one more a kill", left, i+1)
				}
				litter = len(left)
				if readFile(t, h.img) != want {
					t.Fatal("the image is another")
				}
			}
			for _, name := range h.left() {
				if nameless && readFile(t, filepath.Join(h.out, name)) != want {
					t.Errorf("%s is left and no whole image", name)
				}
			}
			h.age(t)
			cmd = h.command(t, before...)
			pipe, ended = h.start(t, cmd)
			h.finish(t, cmd, pipe, ended)
			if left := h.left(); len(left) > 0 {
				t.Errorf("got %q left a day later, want nothing", left)
			}
		})
	}
}

// TestOtherNamespace runs builds in two PID namespaces, as in two containers. Neither removes
// the other's file, even if it is a day old.
func TestOtherNamespace(t *testing.T) {
	alone := []string{"unshare", "--pid", "--fork", "--kill-child"}
	if os.Getuid() != 0 {
		alone = append(alone, "--user", "--map-root-user")
	}
	if out, err := exec.Command(alone[0], append(alone[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("no PID namespace of our own here: %v: %s", err, out)
	}
	for _, before := range [][]string{nil, {"named"}} {
		t.Run(strings.Join(append(before, "build"), " "), func(t *testing.T) {
			h := newHeld(t)
			first := h.command(t, append(alone, before...)...)
			pipe, ended := h.start(t, first)
			h.age(t)
			// The second build has a FIFO of its own.
			if err := errors.Join(os.Rename(filepath.Join(h.dir, "stub"), filepath.Join(h.dir, "first")), syscall.Mkfifo(filepath.Join(h.dir, "stub"), 0o600)); err != nil {
				t.Fatal(err)
			}
			second := h.command(t, append(alone, before...)...)
			pipe2, ended2 := h.start(t, second)
			h.finish(t, second, pipe2, ended2)
			want := readFile(t, h.img)
			if err := os.Remove(h.img); err != nil {
				t.Fatal(err)
			}
			h.finish(t, first, pipe, ended)
			if readFile(t, h.img) != want {
				t.Error("the first build made another image")
			}
			if left := h.left(); len(left) > 0 {
				t.Errorf("got %q left, want nothing", left)
			}
		})
	}
}

func hasNameless(dir string) bool {
	fd, err := unix.Open(dir, unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, 0o600)
	unix.Close(fd)
	return err == nil
}

// withoutNameless runs a program under a filter that makes O_TMPFILE fail.
func withoutNameless() {
	const load, ret = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_RET | unix.BPF_K
	flags := uint32(16 + 2*8) // of openat, in seccomp_data
	if big := uint16(1); *(*byte)(unsafe.Pointer(&big)) == 0 {
		flags += 4
	}
	filter := []unix.SockFilter{
		{Code: load, K: 0},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 3, K: unix.SYS_OPENAT},
		{Code: load, K: flags},
		{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, Jf: 1, K: unix.O_TMPFILE &^ unix.O_DIRECTORY},
		{Code: ret, K: unix.SECCOMP_RET_ERRNO | uint32(unix.EOPNOTSUPP)},
		{Code: ret, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	runtime.LockOSThread() // the filter applies to this thread, and execve ends all others
	err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
	if err == nil {
		err = unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
	}
	if err == nil {
		err = unix.Exec(os.Args[1], os.Args[1:], os.Environ())
	}
	fmt.Fprintln(os.Stderr, "named:", err)
	os.Exit(1)
}
