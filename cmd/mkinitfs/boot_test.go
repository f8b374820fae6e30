package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/guest/report"
	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestBootRoots boots a root with some of everything in each root type, payload codec and
// outer codec, on one CPU and two, with rootfs as tmpfs and as ramfs. Every entry must be as
// planned.
func TestBootRoots(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	const ramfs = "rootfstype=ramfs"
	tests := []struct {
		root, compress string
		machine        qemu.Machine
	}{
		{"{payload: zstd}", "gzip", qemu.Machine{CPUs: 1}},
		{"{payload: zstd, mode: 0751}", "lz4", qemu.Machine{CPUs: 2, Append: ramfs}},
		{"{payload: gzip}", "none", qemu.Machine{CPUs: 2}},
		{"{payload: gzip}", "zstd", qemu.Machine{CPUs: 1, Append: ramfs}},
		{"{payload: lz4}", "lz4", qemu.Machine{CPUs: 2}},
		{"{payload: xz}", "none", qemu.Machine{CPUs: 2, Append: ramfs}},
		{"{payload: {command: [zstd, '-19']}}", "{command: [xz, --check=crc32, '--lzma2=preset=9e,dict=4MiB']}", qemu.Machine{CPUs: 2}},
		{"{payload: none}", "xz", qemu.Machine{CPUs: 2}},
		{"{payload: none}", "none", qemu.Machine{CPUs: 1, Append: ramfs}},
		{"{payload: auto, size: 64M, inodes: 2000}", "gzip", qemu.Machine{CPUs: 2, NoConsole: true}},
		{"{payload: lz4}", "gzip\noutput: {layout: stream}", qemu.Machine{CPUs: 1}},
		{"{type: bind}", "zstd\noutput: {layout: stream}", qemu.Machine{CPUs: 2}},
		{"{type: bind, mode: 0700}", "gzip", qemu.Machine{CPUs: 1}},
		{"{type: bind}", "xz", qemu.Machine{CPUs: 2, Append: ramfs}},
		{"{type: bind}", "none", qemu.Machine{CPUs: 1, NoConsole: true}},
		{"{type: none}", "lz4", qemu.Machine{CPUs: 1}},
		{"{type: none}", "zstd", qemu.Machine{CPUs: 2, Append: ramfs}},
	}
	for _, test := range tests {
		name := fmt.Sprint(strings.Trim(test.root, "{}"), ", compress: ", test.compress, ", cpus: ", test.machine.CPUs, " ", test.machine.Append)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := 200
			if strings.Contains(test.root+test.compress, "xz") { // xz is slow
				files = 20
			}
			img, built := buildImage(t, sizedManifest(t, files, "root: "+test.root, "compress: "+test.compress))
			got, log := bootGuest(t, img, test.machine)
			want := expected(t, img)
			if built.Root != "tmpfs" {
				want = withKernelDir(want, got)
			}
			compare(t, want, got)

			pivot := ""
			if built.Root == "none" {
				pivot = "pivot_root: invalid argument"
			}
			if got.Pivot != pivot {
				t.Errorf("got %q of pivot_root, want %q", got.Pivot, pivot)
			}
			if built.Root == "none" {
				return
			}
			if built.Root == "tmpfs" && (len(got.Beneath) > 0 || got.BeneathWrite != "read-only file system") {
				t.Errorf("beneath the root: got %q and %q of a write, want an empty read-only file system", got.Beneath, got.BeneathWrite)
			}
			top := got.Mounts[slices.IndexFunc(got.Mounts, func(m report.Mount) bool { return m.Point == "/" && m.ID != m.Parent })]
			for _, f := range got.Files {
				if f.Mount != top.ID && !test.machine.NoConsole {
					t.Errorf("fd %d: got mount %d (%s), want that of the root, %d", f.FD, f.Mount, f.Path, top.ID)
				}
			}
			if want := "mkinitfs: " + map[string]string{"tmpfs": "tmpfs root (", "bind": "root bound onto itself"}[built.Root]; !strings.Contains(log, want) {
				t.Errorf("no line with %q in the log:\n%s", want, log)
			}
		})
	}
}

// withKernelDir adds /root, which the kernel's own initramfs leaves on rootfs
// (usr/default_cpio_list), with the time of the kernel's build.
func withKernelDir(want []report.Entry, got *report.Report) []report.Entry {
	dir := report.Entry{Path: "/root", Mode: 0o040700}
	if e := got.Entry(dir.Path); e != nil {
		dir.MTime = e.MTime
	}
	i, _ := slices.BinarySearchFunc(want, dir.Path, func(e report.Entry, path string) int { return strings.Compare(e.Path, path) })
	return slices.Insert(want, i, dir)
}

// TestBootCommand boots the hello example with the command boot, and checks its exit status.
func TestBootCommand(t *testing.T) {
	t.Parallel()
	testenv.Tool(t, "qemu-system-x86_64")
	kernel := testenv.Kernel(t, "amd64")
	dir := t.TempDir()
	hello, broken := filepath.Join(dir, "hello.img"), filepath.Join(dir, "broken.img")
	writeFile(t, broken+".yaml", []byte("version: 1\ninit: {exec: /nothing}\ncontents: []\n"))
	for img, manifest := range map[string]string{hello: repository(t) + "/examples/hello/hello.yaml", broken: broken + ".yaml"} {
		if out, err := exec.Command(commandPath(t), "build", manifest, "-o", img).CombinedOutput(); err != nil {
			t.Fatalf("build: %v\n%s", err, out)
		}
	}
	for _, test := range []struct {
		name, image    string
		flags          []string
		stdout, stderr string // "" of stderr is success
	}{
		{"power off", hello, nil, "hello from process 1, /hello: a root of its own", ""},
		{"expected", hello, []string{"--memory", "128MiB", "--cpus", "2", "--append", "init=/none", "--expect", "^hello from process 1"}, "init=/none ignored", ""},
		{"not expected", hello, []string{"--expect", "^goodbye"}, "hello from", `mkinitfs: ` + hello + `: ended without a line that matches "^goodbye"`},
		{"panic", broken, nil, "mkinitfs: find the program: program /nothing: no such file", "mkinitfs: " + broken + ": the kernel panicked"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(commandPath(t), append([]string{"boot", test.image, "--kernel", kernel, "--no-kvm", "--timeout", testenv.Timeout(t).String()}, test.flags...)...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			defer testenv.Slot(t)()
			err := cmd.Run()
			want := 0
			if test.stderr != "" {
				want = exitFailed
			}
			if got := cmd.ProcessState.ExitCode(); got != want {
				t.Errorf("got exit status %d (%v), want %d", got, err, want)
			}
			if !strings.Contains(stdout.String(), test.stdout) || !strings.HasPrefix(stderr.String(), test.stderr) {
				t.Errorf("got\n%s\nand\n%s\nwant %q and %q in it", stdout.Bytes(), stderr.Bytes(), test.stdout, test.stderr)
			}
		})
	}
}

// TestBootFull boots an image that does not fit into rootfs, which gets half the RAM.
func TestBootFull(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	noise := make([]byte, 160<<20)
	rand.NewChaCha8([32]byte{2}).Read(noise)
	file := filepath.Join(t.TempDir(), "noise")
	writeFile(t, file, noise)
	img, _ := buildImage(t, smallManifest(t, "  - {type: file, src: \""+file+"\", dst: /noise}", "root: {payload: lz4}"))
	wantFailure(t, img, qemu.Machine{MemoryMiB: 300}, "look at rootfs: rootfs is full with ", "hint: give the machine more memory, or put rootfstype=ramfs")
}

// TestBootWords boots with words on the kernel's command line that the stub must obey or
// ignore.
func TestBootWords(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	img, _ := buildImage(t, smallManifest(t,
		"init: {exec: /sbin/init, args: [planned], env: {HOME: /root, FROM: plan, BOTH: plan}, mounts: [dev, proc, sys, run, pts, shm, cgroup2]}"))
	ignoring, _ := buildImage(t, smallManifest(t, "init: {exec: /sbin/init, cmdline: ignore}"))
	tests := []struct {
		name, image, words string
		args               []string
		options            []string // of the root's tmpfs
		log                []string
	}{
		{"plain", img, "BOTH=line word", []string{"/sbin/init", "planned", "word"}, nil, nil},
		{
			"vendor loader", img, "root=/dev/mtdblock2 rootfstype=squashfs,jffs2 rootflags=noatime,size=1k init=/etc/preinit",
			[]string{"/sbin/init", "planned"}, nil,
			[]string{
				"rootflags=noatime,size=1k ignored: root= or rootfstype= speak of another root",
				"init=/etc/preinit ignored: program /etc/preinit: no such file or directory; starting /sbin/init",
			},
		},
		{
			"rootflags and nonsense", img,
			"rootflags=size=70%,mode=0711,nr_inodes=3k,colour=red,size=lots,mode=9 init=/opt mkinitfs.on_error=pray mkinitfs.break=lunch",
			[]string{"/sbin/init", "planned"},
			[]string{"size=", "mode=711", "nr_inodes=3072"},
			[]string{
				"rootflags: colour=red ignored", "rootflags: size=lots ignored", "rootflags: mode=9 ignored",
				"init=/opt ignored: program /opt: is a directory; starting /sbin/init",
				"mkinitfs.on_error=pray ignored: it is one of panic reboot poweroff shell",
				"mkinitfs.break=lunch ignored: it is one of mount unpack program switch modules exec",
			},
		},
		{"init=", img, "init=/opt/guest a -- b", []string{"/opt/guest", "a", "b"}, nil, nil},
		{"ignored", ignoring, "init=/opt/guest rootflags=mode=0711", []string{"/sbin/init"}, nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, log := bootGuest(t, test.image, qemu.Machine{Append: test.words})
			if !slices.Equal(got.Args, test.args) {
				t.Errorf("got arguments %q, want %q", got.Args, test.args)
			}
			for _, want := range test.log {
				if !strings.Contains(log, "mkinitfs: "+want) {
					t.Errorf("no line with %q in the log:\n%s", want, log)
				}
			}
			root := got.Mounts[slices.IndexFunc(got.Mounts, func(m report.Mount) bool { return m.Point == "/" && m.Type == "tmpfs" })]
			for _, want := range test.options {
				if !strings.Contains(root.Super, want) {
					t.Errorf("got a root with %q, want %q in it", root.Super, want)
				}
			}
			if test.options == nil && strings.Contains(root.Super, "mode=711") {
				t.Errorf("got a root with %q, want the plan's mode", root.Super)
			}
			if test.image == ignoring {
				return
			}
			env := []string{"HOME=/root", "FROM=plan", "BOTH=plan", "TERM=linux"}
			if test.name == "plain" {
				env[2] = "BOTH=line"
			}
			for _, want := range env {
				if !slices.Contains(got.Env, want) {
					t.Errorf("got environment %q, want %s in it", got.Env, want)
				}
			}
			for point, kind := range map[string]string{
				"/dev": "devtmpfs", "/proc": "proc", "/sys": "sysfs", "/run": "tmpfs",
				"/dev/pts": "devpts", "/dev/shm": "tmpfs", "/sys/fs/cgroup": "cgroup2",
			} {
				if !slices.ContainsFunc(got.Mounts, func(m report.Mount) bool { return m.Point == point && m.Type == kind }) {
					t.Errorf("no %s on %s: %+v", kind, point, got.Mounts)
				}
			}
		})
	}
}

// TestBootExtras boots with an archive behind the image, where a boot loader puts one.
func TestBootExtras(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	busybox := testenv.Tool(t, "busybox")
	script := "#!/extra/busybox sh\n/extra/busybox mkdir -p /run\n/extra/busybox mount -t tmpfs moved /run\nexec /init \"$@\"\n"
	appended := systemArchive(t, map[string]string{
		"sbin/late": "in usr by way of a link", "etc/owned": "replaced", "extra/deep/file": "new", "pre": script, "extra/busybox": readFile(t, busybox),
	})
	tests := []struct {
		extra, words string
		taken        bool
	}{
		{"merge", "", true},
		{"merge", "rdinit=/pre", true},
		{"drop", "", false},
	}
	for _, test := range tests {
		t.Run(test.extra+" "+test.words, func(t *testing.T) {
			t.Parallel()
			img, _ := buildImage(t, smallManifest(t, "root: {extra: "+test.extra+"}"))
			want := expected(t, img)
			appendTo(t, img, appended)
			got, log := bootGuest(t, img, qemu.Machine{Append: test.words})
			if !test.taken {
				compare(t, want, got)
				return
			}
			if !strings.Contains(log, "taken over from rootfs:") {
				t.Errorf("no word about it in the log:\n%s", log)
			}
			for path, size := range map[string]int64{"/usr/sbin/late": 23, "/etc/owned": 8, "/extra/deep/file": 3, "/pre": int64(len(script))} {
				if e := got.Entry(path); e == nil || e.Size != size {
					t.Errorf("%s: got %+v, want a file of %d bytes", path, e, size)
				}
			}
			if e := got.Entry("/extra/busybox"); e == nil || e.Mode != 0o100755 {
				t.Errorf("/extra/busybox: got %+v, want mode 0755", e)
			}
			moved := slices.ContainsFunc(got.Mounts, func(m report.Mount) bool { return m.Point == "/run" && m.Source == "moved" })
			if moved != (test.words != "") {
				t.Errorf("got mounts %+v, want /run moved along: %v", got.Mounts, test.words != "")
			}
		})
	}
	t.Run("error", func(t *testing.T) {
		t.Parallel()
		img, _ := buildImage(t, smallManifest(t, "root: {extra: error}"))
		appendTo(t, img, appended)
		wantFailure(t, img, qemu.Machine{}, "look for what else is on rootfs: not from this image: /", "hint: take it out")
	})
}

// TestBootFailures boots images that cannot work, and checks the reason in the log.
func TestBootFailures(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	t.Run("no program", func(t *testing.T) {
		t.Parallel()
		img, _ := buildImage(t, smallManifest(t, "init: {exec: /sbin/missing}"))
		wantFailure(t, img, qemu.Machine{}, "find the program: program /sbin/missing: no such file or directory", "hint: init.exec")
	})
	t.Run("no program, bind", func(t *testing.T) {
		t.Parallel()
		img, _ := buildImage(t, smallManifest(t, "root: {type: bind}", "init: {exec: /etc/owned}"))
		wantFailure(t, img, qemu.Machine{}, "find the program: program /etc/owned: is neither an ELF program nor a #! script")
	})
	t.Run("shell", func(t *testing.T) {
		t.Parallel()
		busybox := testenv.Tool(t, "busybox")
		img, _ := buildImage(t, "version: 1\ninit: {exec: /missing, on_error: shell}\ncontents:\n  - {type: file, src: \""+busybox+"\", dst: /bin/sh}\n")
		result := boot(t, img, qemu.Machine{Expect: regexp.MustCompile(`/ # `)})
		if !result.Matched || !bytes.Contains(result.Output, []byte("mkinitfs: starting a shell")) {
			t.Errorf("no shell:\n%s", result.Output)
		}
	})
	for _, action := range []string{"poweroff", "reboot"} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			img, _ := buildImage(t, smallManifest(t, "init: {exec: /sbin/missing}"))
			result := boot(t, img, qemu.Machine{Append: "mkinitfs.on_error=" + action})
			if err := result.Err(); err != nil || !bytes.Contains(result.Output, []byte("mkinitfs: "+action+" in 5 seconds")) {
				t.Errorf("got error %v, want a %s:\n%s", err, action, result.Output)
			}
		})
	}
	t.Run("too little memory", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "zeros"), make([]byte, 200<<20), 0o644); err != nil {
			t.Fatal(err)
		}
		img, _ := buildImage(t, guestManifest(t, "  - {type: file, src: \""+dir+"/zeros\", dst: /zeros}"))
		result := wantFailure(t, img, qemu.Machine{MemoryMiB: 192}, "mount the new root: the root needs ", "hint: give the machine more memory")
		if !regexp.MustCompile(`the root needs 2\d\d MiB of RAM beside the image, 1\d\d MiB can be had`).Match(result.Output) {
			t.Errorf("want both numbers:\n%s", result.Output)
		}
	})
	t.Run("size= too small", func(t *testing.T) {
		t.Parallel()
		img, _ := buildImage(t, guestManifest(t))
		wantFailure(t, img, qemu.Machine{Append: "rootflags=size=1m"}, "MiB, size=1m allows 1 MiB", "hint: raise root.size")
	})

	// Damage comes between build and boot. Members lie in the last segment.
	for _, payload := range []string{"none", "gzip", "lz4", "xz", "zstd"} {
		manifest := guestManifest(t, "root: {payload: "+payload+"}", "compress: none")
		t.Run("corrupt member, "+payload, func(t *testing.T) {
			t.Parallel()
			img, built := buildImage(t, manifest)
			data := []byte(readFile(t, img))
			last := built.Segments[len(built.Segments)-1]
			data[last.Offset+last.Size/2] ^= 0x10
			writeFile(t, img, data)
			wantFailure(t, img, qemu.Machine{}, "unpack the root: unpack /.mkinitfs/root.000", "hint: the image was changed after it was built")
		})
		t.Run("truncated member, "+payload, func(t *testing.T) {
			t.Parallel()
			img, built := buildImage(t, manifest)
			data := []byte(readFile(t, img))
			last := built.Segments[len(built.Segments)-1]
			writeFile(t, img, data[:last.Offset+last.Size*3/4])
			wantFailure(t, img, qemu.Machine{}, "unpack the root: unpack /.mkinitfs/root.000", "hint: the image was changed after it was built")
		})
	}
}

// wantFailure boots an image that must end in a panic, after lines with these texts behind
// "mkinitfs: ".
func wantFailure(t *testing.T, img string, m qemu.Machine, texts ...string) *qemu.Result {
	t.Helper()
	result := boot(t, img, m)
	if !result.Panicked {
		t.Errorf("want a panic")
	}
	for _, text := range texts {
		// Once through kmsg, once on the console.
		if n := bytes.Count(result.Output, []byte(text)); n < 2 {
			t.Errorf("got %q %d times, want it in the kernel's log and on the console", text, n)
		}
	}
	if t.Failed() {
		t.Logf("%s", result.Output)
	}
	return result
}

// TestBootDebian boots a whole Debian root in 300 MiB, where it takes more than
// half of the RAM: an initramfs that the kernel unpacks would lose a quarter of it.
func TestBootDebian(t *testing.T) {
	t.Parallel()
	img, _ := buildImage(t, debianManifest(t, "init: {exec: /sbin/guest}"))
	got, _ := bootGuest(t, img, qemu.Machine{MemoryMiB: 300, CPUs: 2})
	compare(t, expected(t, img), got)
}

// TestBootRunc builds the example and runs a container with pivot_root(2) in it. On a plain
// initramfs that must fail: this is why mkinitfs exists.
func TestBootRunc(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	root := testenv.DebianRoot(t)
	for _, kind := range []string{"tmpfs", "bind", "none"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			img := filepath.Join(t.TempDir(), "runc.img")
			manifest := filepath.Join(repository(t), "examples/debian-runc/debian-runc.yaml")
			cmd := exec.Command(commandPath(t), "build", manifest, "-D", "rootfs="+root, "-D", "type="+kind, "-o", img)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("build: %v\n%s", err, out)
			}
			result := boot(t, img, qemu.Machine{MemoryMiB: 1024, CPUs: 2})
			wants := []string{"\nhello from a container\n", "runc: exit status 0"}
			if kind == "none" {
				wants = []string{"pivot_root .: invalid argument", "runc: exit status 1"}
			}
			for _, want := range wants {
				if !bytes.Contains(result.Output, []byte(want)) {
					t.Errorf("no %q on the console:\n%s", want, result.Output)
				}
			}
		})
	}
}

// TestBootRouter builds the example and boots it on a machine with 64 MiB of RAM. The image
// leaves room for a kernel in 8 MiB of flash.
func TestBootRouter(t *testing.T) {
	t.Parallel()
	m := qemu.Machine{Arch: "mipsle", Kernel: testenv.Kernel(t, "mipsle"), MemoryMiB: 64, Append: "router.poweroff"}
	if err := m.Runnable(); err != nil {
		testenv.Missing(t, "%v", err)
	}
	img := filepath.Join(t.TempDir(), "router.img")
	manifest := filepath.Join(repository(t), "examples/router-mipsel/router-mipsel.yaml")
	cmd := exec.Command(commandPath(t), "build", manifest, "-D", "busybox="+testenv.Busybox(t, "mipsel"), "-o", img)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	result := boot(t, img, m)
	if err := result.Err(); err != nil || !bytes.Contains(result.Output, []byte("\nrouter: router is up\n")) {
		t.Errorf("got error %v, want a router that comes up and powers off:\n%s", err, result.Output)
	}
}

// systemArchive packs files with the system's cpio and gzip. Modes are 0755.
func systemArchive(t *testing.T, files map[string]string) []byte {
	t.Helper()
	top := t.TempDir()
	for name, text := range files {
		path := filepath.Join(top, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("sh", "-c", "find . -mindepth 1 | LC_ALL=C sort | "+testenv.Tool(t, "cpio")+" -o -H newc --quiet -R 0:0 | gzip -n")
	cmd.Dir = top
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func appendTo(t *testing.T, file string, data []byte) {
	t.Helper()
	writeFile(t, file, append([]byte(readFile(t, file)), data...))
}

func readFile(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func writeFile(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestBootBreak stops the boot before a step and types commands at the shell.
func TestBootBreak(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	busybox := testenv.Tool(t, "busybox")
	shell := "  - {type: file, src: \"" + busybox + "\", dst: /bin/sh}"
	prompt := regexp.MustCompile(`^/ # `)
	for _, test := range []struct {
		word   string
		lines  []string // of the manifest
		matrix bool
		typed  []string
		output []string
	}{
		{
			"mkinitfs.break", []string{shell, "init: {exec: /sbin/init, mounts: [dev, proc]}"}, false,
			[]string{"case $- in *m*) echo jobs: $((6*7));; esac", "echo $(tty) in $PWD with $(umask)", "exit"},
			[]string{"mkinitfs: break before exec: the boot goes on", "\njobs: 42\n", "\n/dev/console in / with 0022\n"},
		},
		{"mkinitfs.break=mount", []string{shell}, true, nil, []string{"no break before mount: program /bin/sh: no such file or directory"}},
		{
			"mkinitfs.break=mount", []string{shell, "boot: [/bin/sh]"}, true, []string{"ls -d /.mkinitfs/root.0000", "exit"},
			[]string{"mkinitfs: break before mount: ", "\n/.mkinitfs/root.0000\n"},
		},
		{
			"mkinitfs.break=switch", []string{shell}, true, []string{"ls -d /usr/fifo /.mkinitfs", "exit"},
			[]string{"mkinitfs: break before switch: ", "\n/usr/fifo\n", "/.mkinitfs: No such file"},
		},
		{
			"mkinitfs.break=program", []string{shell, "root: {type: bind}"}, true, []string{"ls -d /usr/fifo /.mkinitfs", "exit"},
			[]string{"mkinitfs: break before program: ", "\n/.mkinitfs  /usr/fifo\n"},
		},
		{"mkinitfs.break=unpack", []string{shell, "root: {type: bind}"}, true, nil, []string{"mkinitfs.break=unpack ignored: it is one of program mount switch modules exec"}},
		{"mkinitfs.break", []string{shell, "init: {exec: /sbin/init, cmdline: ignore}"}, true, nil, nil},
	} {
		t.Run(test.word+" "+strings.Join(test.lines[1:], " "), func(t *testing.T) {
			t.Parallel()
			if test.matrix {
				testenv.Matrix(t)
			}
			m := qemu.Machine{Append: test.word}
			for _, line := range test.typed {
				m.Typed = append(m.Typed, qemu.Typed{Prompt: prompt, Text: line + "\n"})
			}
			img, _ := buildImage(t, guestManifest(t, test.lines...))
			_, log := bootGuest(t, img, m)
			for _, want := range test.output {
				if !strings.Contains(log, want) {
					t.Errorf("no %q on the console:\n%s", want, log)
				}
			}
		})
	}
}
