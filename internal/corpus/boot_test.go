//go:build linux

package corpus_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"hash/crc32"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/internal/corpus"
	"github.com/mkinitfs/mkinitfs/internal/guest/report"
	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

var update = flag.Bool("update", false, "write down what the kernel made of the images that are booted (with MKINITFS_TEST_MATRIX=1: of all)")

// turn reports whether an image is among the one in n that are always booted.
func turn(c corpus.Case, i corpus.Image, n uint32) bool {
	return crc32.ChecksumIEEE([]byte(c.Name+"/"+i.Name))%n == 0
}

func all() bool { return os.Getenv("MKINITFS_TEST_MATRIX") == "1" }

// TestBoot boots images under user-mode Linux, which takes half a second for one.
// Those that are made in another way than when their result was written down are always
// booted, of the others every third; "make test-all" boots all.
func TestBoot(t *testing.T) {
	uml := testenv.Kernel(t, "uml")
	guest := guestArchive(t)
	if log := startUML(t, uml, write(t, guest), words...); !bytes.Contains(log, []byte("Linux version")) {
		t.Skipf("user-mode Linux does not run on this machine:\n%s", log)
	}
	bootAll(t, func(c corpus.Case, i corpus.Image, want corpus.Wanted) bool {
		return i.Kernel == "" && (all() || want.ID != i.ID() || turn(c, i, 3))
	}, func(t *testing.T, i corpus.Image, path string) []byte { return startUML(t, uml, path, words...) }, guest)
}

// TestBootMachine boots some images on a whole machine, and wants the same.
func TestBootMachine(t *testing.T) {
	testenv.Kernel(t, "amd64")
	testenv.Tool(t, "qemu-system-x86_64")
	bootAll(t, func(c corpus.Case, i corpus.Image, want corpus.Wanted) bool {
		if i.Kernel != "" {
			return all() || want.ID != i.ID() || turn(c, i, 3)
		}
		return !*update && (all() && turn(c, i, 8) || turn(c, i, 60))
	}, func(t *testing.T, i corpus.Image, path string) []byte {
		name := i.Kernel
		if name == "" {
			name = "amd64"
		}
		m := qemu.Machine{Arch: "amd64", Kernel: testenv.Kernel(t, name), Image: path, Timeout: testenv.Timeout(t), NoKVM: true, Append: strings.Join(words, " ")}
		release := testenv.Slot(t)
		result, err := m.Boot(t.Context())
		release()
		if err != nil {
			t.Fatal(err)
		}
		return result.Output
	}, guestArchive(t))
}

const nonce = "corpus"

var words = []string{"rdinit=/" + corpus.Guest, "mkinitfs.nonce=" + nonce}

// bootAll boots the images that choose picks, and compares or writes down the results.
func bootAll(t *testing.T, choose func(corpus.Case, corpus.Image, corpus.Wanted) bool,
	start func(t *testing.T, i corpus.Image, path string) []byte, guest []byte) {
	for _, c := range corpus.Cases() {
		want := readWant(t, c)
		var lock sync.Mutex // of want
		t.Run(c.Name, func(t *testing.T) {
			for _, i := range c.Images {
				wanted := want[i.Name]
				if !choose(c, i, wanted) {
					continue
				}
				t.Run(i.Name, func(t *testing.T) {
					t.Parallel()
					got := result(t, i, guest, start)
					if !*update {
						if diff := cmp.Diff(wanted.Result, got); diff != "" {
							t.Errorf("%s: -want +kernel (-update writes it down):\n%s", wantFile(c), diff)
						}
						return
					}
					lock.Lock()
					defer lock.Unlock()
					want[i.Name] = corpus.Wanted{ID: i.ID(), Result: got}
					if err := os.WriteFile(wantFile(c), []byte(want.Format(c)), 0o644); err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
}

// result boots an image and returns what became of it.
func result(t *testing.T, i corpus.Image, guest []byte, start func(t *testing.T, i corpus.Image, path string) []byte) corpus.Result {
	t.Helper()
	for _, tool := range i.Tools() {
		testenv.Tool(t, tool)
	}
	image, err := i.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	log := start(t, i, write(t, i.Guest.With(image, guest)))
	if i.Guest == corpus.Nowhere {
		if !bytes.Contains(log, []byte("Kernel panic")) {
			t.Fatalf("no panic without an init:\n%s", log)
		}
		return corpus.NewResult(i, nil, corpus.Says(log))
	}
	root, err := report.Parse(log, nonce)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	return corpus.NewResult(i, corpus.Lines(root.Entries), corpus.Says(log))
}

// TestBootWrong boots an image and wants something else of it, which has to be noticed.
func TestBootWrong(t *testing.T) {
	uml := testenv.Kernel(t, "uml")
	c := corpus.Cases()[0]
	i := c.Images[0]
	right := readWant(t, c)[i.Name].Result
	got := result(t, i, guestArchive(t), func(t *testing.T, i corpus.Image, path string) []byte {
		log := startUML(t, uml, path, words...)
		if !bytes.Contains(log, []byte("Linux version")) {
			t.Skipf("user-mode Linux does not run on this machine:\n%s", log)
		}
		return log
	})
	if diff := cmp.Diff(right, got); diff != "" {
		t.Fatalf("-want +kernel:\n%s", diff)
	}
	edit := func(old, new string) corpus.Result {
		wrong := right
		wrong.Lines = slices.Clone(right.Lines)
		n := slices.IndexFunc(wrong.Lines, func(line string) bool { return strings.Contains(line, old) })
		if n < 0 {
			t.Fatalf("no line has %q", old)
		}
		wrong.Lines[n] = strings.Replace(wrong.Lines[n], old, new, 1)
		return wrong
	}
	for name, wrong := range map[string]corpus.Result{
		"mode":    edit("/etc/su file 4755", "/etc/su file 0755"),
		"owner":   edit("/tmp/deep dir 2750 3:4", "/tmp/deep dir 2750 3:5"),
		"time":    edit("4294967295", "2147483647"),
		"target":  edit("../tmp/deep", "../tmp"),
		"device":  edit("4095:1048575", "4095:0"),
		"content": edit("e3b0c44298", "e3b0c44299"),
		"missing": {Lines: right.Lines[1:]},
		"more":    {Lines: append(slices.Clone(right.Lines), "/usr dir 0755 0:0 0")},
		"silent":  {Says: []string{"junk"}, Lines: right.Lines},
		"lost":    {Lost: []string{"other"}, Lines: right.Lines},
	} {
		if cmp.Diff(wrong, got) == "" {
			t.Errorf("%s: a wrong .want goes unnoticed", name)
		}
	}
}

func wantFile(c corpus.Case) string { return filepath.Join("testdata", c.Name+".want") }

func readWant(t *testing.T, c corpus.Case) corpus.Want {
	t.Helper()
	text, err := os.ReadFile(wantFile(c))
	if errors.Is(err, fs.ErrNotExist) && *update {
		return corpus.Want{}
	}
	if err != nil {
		t.Fatal(err)
	}
	want, err := corpus.ParseWant(string(text))
	if err != nil {
		t.Fatalf("%s: %v", wantFile(c), err)
	}
	return want
}

// guestArchive returns an archive with the guest, which is its only entry.
func guestArchive(t *testing.T) []byte {
	t.Helper()
	program := filepath.Join(t.TempDir(), corpus.Guest)
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "../guest")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", build, err, out)
	}
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	return corpus.GuestArchive(content)
}

func write(t *testing.T, image []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// startUML boots an image with user-mode Linux, which is a program, and returns the log
// of its console. It skips what measures the processor and takes most of a boot's time.
// An empty root= makes its rootfs a tmpfs, as machines have it.
func startUML(t *testing.T, uml, image string, words ...string) []byte {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), testenv.Timeout(t))
	defer stop()
	cmd := exec.CommandContext(ctx, uml, append([]string{
		"mem=512M", "root=", "initrd=" + image, "con=null", "con0=fd:0,fd:1", "console=tty0", "panic=-1", "lpj=10000000",
		"initcall_blacklist=pty_init,strp_dev_init,init_zswap,raid6_select_algo,init_btrfs_fs",
	}, words...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	log, err := cmd.CombinedOutput() // its exit status is that of a panic as well
	if ctx.Err() != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, log)
	}
	return bytes.ReplaceAll(log, []byte("\r"), nil)
}
