//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/stub"
	"github.com/mkinitfs/mkinitfs/builder/unpack"
	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/cache"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// These tests run the compiled stub as the first process of a PID namespace. A
// tmpfs of its own, into which an archive is unpacked, is its rootfs. What differs
// from a boot: that can be pivoted from, and it has no console and no kmsg.

const bootWord = "become-the-stub"

// becomeStub does what the kernel does with an image: it unpacks the archive in
// dir and starts /init with the words behind.
func becomeStub(dir string, words []string) {
	err := func() error {
		rootfs := filepath.Join(dir, "rootfs")
		if err := syscall.Mount("tmpfs", rootfs, "tmpfs", 0, "mode=0755"); err != nil {
			return failure("mount", rootfs, err)
		}
		fd, err := syscall.Open(rootfs, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		image, err := os.Open(filepath.Join(dir, "image"))
		if err != nil {
			return err
		}
		defer image.Close()
		root := unpack.NewRoot(fd)
		if err := root.Archive(bufio.NewReaderSize(image, 64<<10)); err != nil {
			return err
		}
		if err := root.Finish(); err != nil {
			return err
		}
		if err := syscall.Chroot(rootfs); err != nil {
			return failure("chroot", rootfs, err)
		}
		if err := os.Chdir("/"); err != nil {
			return err
		}
		syscall.Umask(0o022) // the kernel's first process has it
		env := []string{"HOME=/", "TERM=linux", "word=1"}
		first := "/init"
		if rdinit := os.Getenv("rdinit"); rdinit != "" {
			first = rdinit
		}
		if faults := os.Getenv("faults"); faults != "" {
			env = append(env, "faults="+faults)
			first = "/faults"
		}
		return failure("exec", first, syscall.Exec(first, append([]string{first}, words...), env))
	}()
	write(2, bootWord+": "+err.Error()+"\n")
	os.Exit(99)
}

// image is what a test boots.
type image struct {
	plan   bootplan.Plan
	root   [][]entry                             // by members
	extra  []entry                               // on rootfs, not ours
	words  []string                              // of the kernel for its init
	rdinit string                                // what is started instead of /init
	faults string                                // see internal/faults, whose program is in extra then
	damage func(name string, data []byte) []byte // returns nil for a file that is to be missing
}

// newImage has a root with a shell and this script as its init.
func newImage(t *testing.T, codec, script string) *image {
	t.Helper()
	busybox := testenv.Tool(t, "busybox")
	data, err := os.ReadFile(busybox)
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Skip(err)
	}
	if libs, err := f.ImportedLibraries(); err != nil || len(libs) > 0 {
		t.Skipf("%s is not static (%v)", busybox, libs)
	}
	return &image{
		plan: bootplan.Plan{
			Root: "tmpfs", Arch: runtime.GOARCH, Payload: codec, Extra: "merge", Mode: 0o751, MTime: 1000,
			Exec: "/sbin/init", OnError: "panic",
			Cmdline: "ignore", // of the machine that runs the tests
		},
		root: [][]entry{
			{
				newEntry(".", syscall.S_IFDIR|0o751, ""), newEntry("bin", syscall.S_IFDIR|0o755, ""),
				newEntry("etc", syscall.S_IFDIR|0o2750, ""), newEntry("sbin", syscall.S_IFDIR|0o755, ""),
				newEntry("proc", syscall.S_IFDIR|0o555, ""), newEntry("bin/sh", syscall.S_IFLNK|0o777, "busybox"),
			},
			{newEntry("bin/busybox", syscall.S_IFREG|0o755, string(data))},
			{newEntry("etc/passwd", syscall.S_IFREG|0o4600, "root:x:0:0::/:/bin/sh\n")},
			{newEntry("sbin/init", syscall.S_IFREG|0o755, "#!/bin/sh\n"+script)},
		},
	}
}

// boot boots the image and returns what was printed and the exit code.
func (img *image) boot(t *testing.T) (string, int) {
	t.Helper()
	needRoot(t, "start the first process of a namespace")
	s, err := stub.Get(t.Context(), stub.Variant{Codec: img.plan.Payload, Supervise: img.plan.OnExit != ""}, stub.Options{Cache: cache.Top(os.LookupEnv)})
	if err != nil {
		t.Fatal(err)
	}
	if img.damage == nil {
		img.damage = func(_ string, data []byte) []byte { return data }
	}
	segment := []entry{
		newEntry(".", syscall.S_IFDIR|0o755, ""),
		newEntry(bootplan.Dir, syscall.S_IFDIR|0o700, ""),
		newEntry("init", syscall.S_IFREG|0o755, string(s.Data)),
		newEntry("dev", syscall.S_IFDIR|0o755, ""),
		{cpio.Header{Name: "dev/null", Mode: syscall.S_IFCHR | 0o666, Nlink: 1, RdevMajor: 1, RdevMinor: 3}, ""},
	}
	for i, entries := range img.root {
		packed, m := pack(t, img.plan.Payload, archive(t, entries...))
		img.plan.Members = append(img.plan.Members, m)
		img.plan.Entries += int64(len(entries))
		for _, e := range entries {
			if e.Mode&cpio.TypeMask == cpio.TypeFile {
				for i, size := range bootplan.PageSizes {
					img.plan.Blocks[i] += (e.Size + size - 1) / size
				}
			}
		}
		name := bootplan.MemberName(i)
		if data := img.damage(name, packed); data != nil {
			segment = append(segment, newEntry(name, syscall.S_IFREG|0o400, string(data)))
		}
	}
	if data := img.damage(bootplan.Path, img.plan.Marshal()); data != nil {
		segment = append(segment, newEntry(bootplan.Path, syscall.S_IFREG|0o400, string(data)))
	}

	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "image"), archive(t, append(segment, img.extra...)...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "rootfs"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), testenv.Timeout(t))
	defer cancel()
	cmd := exec.CommandContext(ctx, "/proc/self/exe", append([]string{bootWord, dir}, img.words...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID, Unshareflags: syscall.CLONE_NEWNS, // which also makes all mounts private
	}
	cmd.Env = append(os.Environ(), "faults="+img.faults, "rdinit="+img.rdinit)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	if _, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok {
		t.Skipf("no namespaces: %v", err)
	}
	t.Logf("%s", &out)
	return out.String(), cmd.ProcessState.ExitCode()
}

// xattrs adds a table of extended attributes.
func (img *image) xattrs(policy, table string) {
	img.plan.Xattrs = policy
	img.extra = append(img.extra, newEntry(bootplan.Xattrs, syscall.S_IFREG|0o400, table))
}

// want holds the end of a boot against the words that must have been printed.
func (img *image) want(t *testing.T, code int, words ...string) string {
	t.Helper()
	out, got := img.boot(t)
	if got != code {
		t.Errorf("exit code: got %d, want %d", got, code)
	}
	for _, w := range words {
		if !strings.Contains(out, w) {
			t.Errorf("got no %q, want it", w)
		}
	}
	return out
}

// list is shell for what describes the root.
const list = `
echo begin
busybox find / -xdev ! -path /proc -exec busybox stat -c '%f %u:%g %Y %n' {} + | busybox sort -k4
echo end
`

func listing(t *testing.T, out string) []string {
	t.Helper()
	_, rest, ok := strings.Cut(out, "begin\n")
	text, _, whole := strings.Cut(rest, "end\n")
	if !ok || !whole {
		t.Fatal("got no listing")
	}
	return strings.Split(strings.TrimSpace(text), "\n")
}

// A boot with everything: words and variables, mounts, foreign entries.
func TestBoot(t *testing.T) {
	for _, codec := range compress.Names() {
		t.Run(codec, func(t *testing.T) {
			img := newImage(t, codec, `echo "pid $$, umask $(umask), in $(busybox pwd)"
for a; do echo "argument $a"; done
busybox env | busybox sort
busybox grep ' / / ' /proc/self/mountinfo
cat /etc/passwd
`+list+"exit 42\n")
			img.plan.Args = []string{"--own", "a b"}
			img.plan.Env = []string{"HOME=/root", "PATH=/bin", "word=2"}
			img.plan.Mounts = []bootplan.Mount{{Type: "proc", Source: "proc", Target: "/proc", Options: "nosuid,nodev,noexec"}}
			img.words = []string{"single", "-x"}
			img.extra = []entry{
				newEntry(".extra", syscall.S_IFDIR|0o700, ""), newEntry(".extra/cred", syscall.S_IFREG|0o400, "secret"),
				newEntry("etc", syscall.S_IFDIR|0o755, ""), newEntry("etc/new.conf", syscall.S_IFREG|0o644, "text"),
			}
			out := img.want(t, 42,
				"mkinitfs: taken over from rootfs: /", "mkinitfs: tmpfs root (mode=0751",
				", 9 entries by ", " MiB of rootfs freed, ", " ms; starting /sbin/init --own a b single -x\n",
				"pid 1, umask 0022, in /\nargument --own\nargument a b\nargument single\nargument -x\n"+
					"HOME=/root\nPATH=/bin\n", "\nTERM=linux\nword=1\n", "root:x:0:0::/:/bin/sh\n",
			)
			if m := regexp.MustCompile(`(?m)^(\d+) (\d+) \S+ / / \S+ .*- tmpfs tmpfs rw`).FindStringSubmatch(out); m == nil || m[1] == m[2] {
				t.Errorf("got no tmpfs on / that can be pivoted from")
			}
			want := []string{
				"41e9 0:0 1000 /",
				"41c0 0:0 1000 /.extra",
				"8100 0:0 1000 /.extra/cred",
				"41ed 0:0 1000 /bin",
				"81ed 0:0 1000 /bin/busybox",
				"a1ff 0:0 1000 /bin/sh",
				"45e8 0:0 1000 /etc",
				"81a4 0:0 1000 /etc/new.conf",
				"8980 0:0 1000 /etc/passwd",
				"41ed 0:0 1000 /sbin",
				"81ed 0:0 1000 /sbin/init",
			}
			if diff := cmp.Diff(want, listing(t, out)); diff != "" {
				t.Errorf("root: -want +got\n%s", diff)
			}
		})
	}
}

// A root that is there already: nothing is copied, and nothing of ours is left.
func TestBootBind(t *testing.T) {
	img := newImage(t, "none", "")
	img.plan.Root, img.plan.Exec, img.plan.Mode = "bind", "/init", 0o711
	for _, entries := range img.root {
		img.extra = append(img.extra, entries...)
	}
	img.extra = img.extra[1:] // rootfs has its "." already
	img.root = nil
	img.extra = append(img.extra, newEntry(bootplan.Init, syscall.S_IFREG|0o700, "#!/bin/sh\necho own init is pid $$\n"+list))
	img.extra = append(img.extra, entry{cpio.Header{Name: bootplan.Kmsg, Mode: syscall.S_IFCHR | 0o600, Nlink: 1, RdevMajor: 1, RdevMinor: 3}, ""})
	out := img.want(t, 0, "own init is pid 1\n")
	want := []string{
		"41c9 0:0 1000 /",
		"41ed 0:0 1000 /bin",
		"81ed 0:0 1000 /bin/busybox",
		"a1ff 0:0 1000 /bin/sh",
		"41ed 0:0 1000 /dev",
		"21b6 0:0 0 /dev/null",
		"45e8 0:0 1000 /etc",
		"8980 0:0 1000 /etc/passwd",
		"81c0 0:0 1000 /init",
		"41ed 0:0 1000 /sbin",
		"81ed 0:0 1000 /sbin/init",
	}
	if diff := cmp.Diff(want, listing(t, out)); diff != "" {
		t.Errorf("root: -want +got\n%s", diff)
	}
}

// A bound root of which something is missing is not started. One of which something was
// removed by somebody else than the kernel is.
func TestBootBindCut(t *testing.T) {
	const program, cut = "the program runs\n", "mkinitfs: check the root: the kernel did not unpack "
	for _, c := range []struct {
		what    string
		entries int64 // that the plan has more than there are
		ends    int   // of 3
		without string
		code    int
		want    []string
	}{
		{"all is there", 0, 3, "", 0, []string{program}},
		{"the last segment has no end", 0, 2, "sbin/init", 1, []string{cut + "/sbin/init\n", "mkinitfs: hint: the kernel says why"}},
		{"the first segment has no end", 0, 0, "bin/sh", 1, []string{cut + "/bin/sh\n"}},
		{"the last entry may be cut", 0, 1, "", 1, []string{cut + "all of the image: it ends at /etc/passwd\n"}},
		{"fewer entries", 2, 3, "", 0, []string{"mkinitfs: rootfs has 17 entries, the plan says 18: something was removed or replaced", program}},
	} {
		t.Run(c.what, func(t *testing.T) {
			img := newImage(t, "none", "echo the program runs\n")
			img.plan.Root, img.plan.Last = "bind", []string{"/bin/sh", "/etc/passwd", "/sbin/init"}
			img.plan.Entries = c.entries
			for _, entries := range img.root {
				for _, e := range entries {
					img.plan.Entries++
					if e.Name != "." && e.Name != c.without { // rootfs has its "." already
						img.extra = append(img.extra, e)
					}
				}
			}
			img.root = nil
			for i := range c.ends {
				img.extra = append(img.extra, newEntry(bootplan.EndName(i), syscall.S_IFDIR|0o700, ""))
			}
			if out := img.want(t, c.code, c.want...); c.entries == 0 && strings.Contains(out, "rootfs has") {
				t.Errorf("got a warning, want none")
			}
		})
	}
}

// A file has its size before it has its content.
func TestFindShort(t *testing.T) {
	dir := t.TempDir()
	makeTree(t, dir, map[string]string{"a/whole": strings.Repeat("x", 5000), "a/empty": "", "link": "-> a/cut", "a/b/": ""})
	var st syscall.Stat_t
	if err := syscall.Lstat(dir, &st); err != nil {
		t.Fatal(err)
	}
	if got := findShort(dir, uint64(st.Dev)); got != "" {
		t.Errorf("got %q, want nothing", got)
	}
	if err := os.WriteFile(dir+"/a/b/cut", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(dir+"/a/b/cut", 1<<20); err != nil {
		t.Fatal(err)
	}
	if got, want := findShort(dir, uint64(st.Dev)), dir+"/a/b/cut"; got != want {
		t.Errorf("got %q, want %s", got, want)
	}
}

// The own /init of a bound root is checked, not the stub that stands in its place.
func TestBootBindWithoutInit(t *testing.T) {
	img := newImage(t, "none", "")
	img.plan.Root, img.plan.Exec, img.root = "bind", "/init", nil
	img.want(t, 1, "mkinitfs: find the program: program /init: no such file or directory\n")
}

// Before anything is destroyed, a boot that cannot succeed ends with words.
func TestBootFails(t *testing.T) {
	const hint = "mkinitfs: hint: "
	damage := func(name string, change func([]byte) []byte) func(string, []byte) []byte {
		return func(n string, data []byte) []byte {
			if n == name {
				return change(bytes.Clone(data))
			}
			return data
		}
	}
	exec := func(entries ...entry) func(*image) {
		return func(img *image) {
			img.plan.Exec = "/x"
			img.root[0] = append(img.root[0], entries...)
		}
	}
	dynamic := string(nativeProgram(t).with(func(p *program) { p.interpreter = "/lib/ld.so" }).bytes())
	file := func(name, text string) entry { return newEntry(name, syscall.S_IFREG|0o755, text) }
	for _, c := range []struct {
		what   string
		change func(*image)
		code   int
		want   []string
	}{
		{"no plan", func(img *image) {
			img.damage = damage(bootplan.Path, func([]byte) []byte { return nil })
		}, 1, []string{"mkinitfs: read the plan: read /.mkinitfs/plan: no such file or directory\n", hint + "the image is damaged"}},
		{"damaged plan", func(img *image) {
			img.damage = damage(bootplan.Path, func(data []byte) []byte { return data[:len(data)/2] })
		}, 1, []string{"mkinitfs: read the plan: read /.mkinitfs/plan: cut short\n", hint + "the image is damaged"}},
		{"plan of a later format", func(img *image) {
			img.damage = damage(bootplan.Path, func(data []byte) []byte {
				return bytes.Replace(data, []byte("mkinitfs 1\n"), []byte("mkinitfs 9\n"), 1)
			})
		}, 1, []string{"format 9, this stub reads format 1\n", hint + "the image is damaged, or its stub is not that of the mkinitfs which built it: "}},
		{"plan with a number that cannot be", func(img *image) { img.plan.Window = 1 << 50 }, 1, []string{": window: bad number\n"}},
		{"payload that the stub does not decode", func(img *image) {
			img.damage = damage(bootplan.Path, func(data []byte) []byte {
				return bytes.Replace(data, []byte("payload none\n"), []byte("payload zstd\n"), 1)
			})
		}, 1, []string{"mkinitfs: read the plan: payload zstd, this stub decodes none\n", hint + "build the image without --stub"}},
		{"missing member", func(img *image) {
			img.damage = damage(bootplan.MemberName(2), func([]byte) []byte { return nil })
		}, 1, []string{"mkinitfs: unpack the root: unpack /.mkinitfs/root.0002: no such file or directory\n", hint + "the image was changed after it was built"}},
		{"member with a damaged header", func(img *image) {
			img.damage = damage(bootplan.MemberName(2), func(data []byte) []byte { data[2] ^= 0x10; return data })
		}, 1, []string{"mkinitfs: unpack the root: unpack /.mkinitfs/root.0002: ", hint + "the image was changed after it was built"}},
		{"more entries than inodes", func(img *image) { img.plan.Inodes = 5 }, 1,
			[]string{"mkinitfs: mount the new root: the root has 9 entries, nr_inodes= allows 5\n", hint + "raise root.inodes"}},
		{"no inode left", func(img *image) {
			img.plan.Inodes, img.plan.Entries = 5, -4
		}, 1, []string{"mkinitfs: unpack the root: unpack /.mkinitfs/root.000", ": no space left on device\n", hint + "the root's tmpfs is full: raise root.size or root.inodes"}},
		{"program that is a directory", exec(newEntry("x", syscall.S_IFDIR|0o755, "")), 1,
			[]string{"mkinitfs: find the program: program /x: is a directory\n", hint + "init.exec has to be an executable"}},
		{"program that is a device", exec(newEntry("x", syscall.S_IFIFO|0o755, "")), 1,
			[]string{"mkinitfs: find the program: program /x: is not a regular file\n", hint + "init.exec has to be an executable"}},
		{"program without an x", exec(newEntry("x", syscall.S_IFREG|0o644, "#!/bin/sh\n")), 1,
			[]string{"mkinitfs: find the program: program /x: is not executable (no x in its mode)\n", hint + "init.exec has to be an executable"}},
		{"empty program", exec(file("x", "")), 1,
			[]string{"mkinitfs: find the program: program /x: is neither an ELF program nor a #! script\n"}},
		{"script without its interpreter", exec(file("x", "#!/bin/bash -e\n")), 1,
			[]string{"mkinitfs: find the program: program /x: needs /bin/bash: no such file or directory\n", hint + "add the interpreter or loader"}},
		{"script of another system", exec(file("x", "#!/bin/sh\r\necho\r\n")), 1,
			[]string{"mkinitfs: find the program: program /x: needs /bin/sh\\r: no such file or directory\n", hint + "this script comes from Windows: end its lines with a newline alone"}},
		{"script that is its own interpreter", exec(file("x", "#!/y\n"), file("y", "#!/x\n")), 1,
			[]string{"mkinitfs: find the program: program /y: too many levels of symbolic links\n"}},
		{"dynamic program without its loader", exec(file("x", dynamic)), 1,
			[]string{"mkinitfs: find the program: program /x: needs /lib/ld.so: no such file or directory\n", hint + "add the interpreter or loader"}},
		{"program for another machine", exec(file("x", strings.Replace(dynamic, dynamic[18:20], "\xff\x7f", 1))), 1,
			[]string{"mkinitfs: find the program: program /x: is a program for another architecture\n", hint + "init.exec has to be an executable for this machine"}},
		{"program that is cut short", exec(file("x", dynamic[:63])), 1,
			[]string{"mkinitfs: find the program: program /x: is a truncated ELF program\n"}},
		{"circle of links", exec(newEntry("x", syscall.S_IFLNK|0o777, "y"), newEntry("y", syscall.S_IFLNK|0o777, "x")), 1,
			[]string{"mkinitfs: find the program: program /x: too many levels of symbolic links\n", hint + "init.exec has to name a file of the root"}},
		{"link to nowhere", exec(newEntry("x", syscall.S_IFLNK|0o777, "/none")), 1,
			[]string{"mkinitfs: find the program: program /x: no such file or directory\n", hint + "init.exec has to name a file of the root"}},
		{"root type that is unknown", func(img *image) { img.plan.Root = "none" }, 1, []string{"mkinitfs: read the plan: root type none, this stub knows tmpfs and bind\n"}},
		{"cut member", func(img *image) {
			img.damage = damage(bootplan.MemberName(2), func(data []byte) []byte { return data[:len(data)-1] })
		}, 1, []string{"mkinitfs: unpack the root: unpack /.mkinitfs/root.0002: has ", hint + "the image was changed after it was built"}},
		{"damaged member", func(img *image) {
			img.damage = damage(bootplan.MemberName(1), func(data []byte) []byte { data[len(data)/2] ^= 4; return data })
		}, 1, []string{"mkinitfs: unpack the root: unpack /.mkinitfs/root.0001: CRC-32 is "}},
		{"fewer entries than planned", func(img *image) { img.plan.Entries = 1 }, 1,
			[]string{"mkinitfs: unpack the root: the members hold 9 entries, the plan says 10\n"}},
		{"no table of extended attributes", func(img *image) { img.plan.Xattrs = "auto" }, 1,
			[]string{"mkinitfs: restore extended attributes: read /.mkinitfs/xattrs: no such file or directory\n", hint + "the image is damaged"}},
		{"cut table of extended attributes", func(img *image) {
			img.xattrs("auto", "xattrs 1\nattr trusted.a b\n/etc\n")
		}, 1, []string{"mkinitfs: restore extended attributes: read /.mkinitfs/xattrs: cut short\n", hint + "the image is damaged"}},
		{"extended attribute of nothing", func(img *image) {
			img.xattrs("auto", "xattrs 1\nattr trusted.a b\n/etc/none\nend 1\n")
		}, 1, []string{"mkinitfs: restore extended attributes: read /.mkinitfs/xattrs: find /etc/none: no such file or directory\n", hint + "the image is damaged"}},
		{"extended attribute that is refused", func(img *image) {
			img.xattrs("required", "xattrs 1\nattr odd.a b\n/\n/bin/sh\n/etc\n/sbin\nend 4\n")
		}, 1, []string{
			"mkinitfs: restore extended attributes: extended attributes not set: odd.a of /: operation not supported; " +
				"odd.a of /bin/sh: operation not supported; odd.a of /etc: operation not supported; and 1 more\n",
			hint + "tmpfs takes ",
		}},
		{"too small a tmpfs", func(img *image) { img.plan.Size = "64k" }, 1,
			[]string{"mkinitfs: mount the new root: the root needs ", "size=64k allows 0 MiB\n", hint + "raise root.size"}},
		{"full tmpfs", func(img *image) {
			img.plan.Size = "1m"
			img.damage = damage(bootplan.Path, func(data []byte) []byte { // into a plan that counted wrong
				return regexp.MustCompile(`(?m)^(blocks \d+) \d+$`).ReplaceAll(data, []byte("$1 0"))
			})
		}, 1, []string{"mkinitfs: unpack the root: unpack /.mkinitfs/root.0001: write bin/busybox: no space left on device\n", hint + "the root's tmpfs is full"}},
		{"no program", func(img *image) { img.plan.Exec = "/sbin/none" }, 1,
			[]string{"mkinitfs: find the program: program /sbin/none: no such file or directory\n", hint + "init.exec has to name a file"}},
		{"foreign entries", func(img *image) {
			img.plan.Extra = "error"
			img.extra = []entry{newEntry("foreign", syscall.S_IFREG|0o644, "")}
		}, 1, []string{"mkinitfs: look for what else is on rootfs: not from this image: /foreign\n", hint + "take it out"}},
		{"file system that the kernel lacks", func(img *image) {
			img.plan.Mounts = []bootplan.Mount{{Type: "nonesuch", Source: "x", Target: "/x", Options: "a=b"}}
		}, 1, []string{"mkinitfs: make mounts: mount nonesuch on /x: no such device\n", hint + "the kernel may lack"}},
		{"a shell instead", func(img *image) {
			img.plan.Exec, img.plan.OnError = "/sbin/none", "shell"
		}, 0, []string{"program /sbin/none: no such file or directory\n", "mkinitfs: starting a shell\n"}},
		{"no shell either", func(img *image) {
			img.plan.Exec, img.plan.OnError = "/sbin/none", "shell"
			img.root[0] = img.root[0][:5] // all but /bin/sh
		}, 1, []string{"mkinitfs: starting a shell\n", "mkinitfs: exec /bin/sh: no such file or directory\n"}},
	} {
		t.Run(c.what, func(t *testing.T) {
			img := newImage(t, "none", "echo the program runs\n")
			c.change(img)
			out := img.want(t, c.code, c.want...)
			if strings.Contains(out, "the program runs") {
				t.Error("the program was started all the same")
			}
		})
	}
}

// What is dropped is neither in the root nor anywhere else.
func TestBootDropsExtras(t *testing.T) {
	img := newImage(t, "none", "test -e /foreign && exit 3; exit 0\n")
	img.plan.Extra = "drop"
	img.extra = []entry{newEntry("foreign", syscall.S_IFREG|0o644, "")}
	if out := img.want(t, 0); strings.Contains(out, "foreign") {
		t.Error("got words about what was dropped, want none")
	}
}

// The stub is of no use as an ordinary program, and does no harm.
func TestNotFirst(t *testing.T) {
	s, err := stub.Get(t.Context(), stub.Variant{Codec: "none"}, stub.Options{Cache: cache.Top(os.LookupEnv)})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "init")
	if err := os.WriteFile(path, s.Data, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path)
	out, _ := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != 1 || !strings.Contains(string(out), "has to be the first process") {
		t.Errorf("got exit code %d, %q, want 1 and the reason", got, out)
	}
}
