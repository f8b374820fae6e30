package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// hostDir makes a directory of the host with one file in it. Everybody can read and write it.
func hostDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "shared")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "secret"), []byte("of the host\n"))
	for path, mode := range map[string]os.FileMode{
		filepath.Join(dir, "secret"): 0o666, dir: 0o777, filepath.Dir(dir): 0o755, filepath.Dir(filepath.Dir(dir)): 0o755,
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// withFD9 passes a directory to a command as descriptor 9.
func withFD9(t *testing.T, cmd *exec.Cmd, dir string) *exec.Cmd {
	t.Helper()
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	cmd.ExtraFiles = append(cmd.ExtraFiles, make([]*os.File, 9-3-len(cmd.ExtraFiles))...)
	cmd.ExtraFiles = append(cmd.ExtraFiles, f)
	return cmd
}

// wantUntouched checks that the directory of hostDir is unchanged.
func wantUntouched(t *testing.T, dir string) {
	t.Helper()
	if got := namesIn(dir); len(got) != 1 {
		t.Errorf("got %q in a directory of the host, want one file", got)
	}
	if got := readFile(t, filepath.Join(dir, "secret")); got != "of the host\n" {
		t.Errorf("got %q in a file of the host", got)
	}
}

// planImage builds an image with these mounts in its plan, including mounts that no manifest
// can describe.
func planImage(t *testing.T, mounts []bootplan.Mount, contents string) string {
	t.Helper()
	var list strings.Builder
	for i, m := range mounts {
		fmt.Fprintf(&list, "\n    - {type: %q, source: %q, target: %q, options: %q}", m.Type, m.Source, placeholder(i, m.Target), m.Options)
	}
	img, _ := buildImage(t, "version: 1\ncompress: none\nroot: {type: bind}\ninit:\n  exec: /busybox\n  mounts:"+list.String()+
		"\ncontents:\n  - {type: file, src: "+testenv.Tool(t, "busybox")+", dst: /busybox}\n"+contents)
	data := []byte(readFile(t, img))
	for i, m := range mounts {
		data = bytes.ReplaceAll(data, []byte(" "+placeholder(i, m.Target)+" "), []byte(" "+m.Target+" "))
	}
	writeFile(t, img, data)
	return img
}

// placeholder returns a mount point that a manifest takes. It is as long as the real one.
func placeholder(i int, target string) string {
	return fmt.Sprintf("/%0*d", len(target)-1, i)
}

// TestRunMountSources binds a directory of the host, by every name that a plan can give it,
// to one of the root.
func TestRunMountSources(t *testing.T) {
	dir := hostDir(t)
	sources := []string{
		".", "..", "/", "/..", "../../../../../../../..", dir, dir[1:], "." + dir, "/link" + dir, "/self" + dir, "link" + dir,
		"/proc/self/cwd", "/proc/self/root", "/proc/1/cwd", "/proc/1/root", "/proc/thread-self/cwd", "proc/self/cwd",
		"/proc/self/task/1/cwd", "/proc/self/cwd/..", "/dev/fd/9", "/fds/9", "/fds/9/..",
	}
	for fd := range 16 {
		sources = append(sources, fmt.Sprint("/proc/self/fd/", fd))
	}
	proc := bootplan.Mount{Type: "proc", Source: "proc", Target: "/proc"}
	mounts := []bootplan.Mount{proc}
	for i, source := range sources {
		mounts = append(mounts, bootplan.Mount{Type: "none", Source: source, Target: fmt.Sprintf("/to%02d", i), Options: "rbind"})
	}
	for i, lower := range []string{".", "/proc/self/cwd", "/proc/self/fd/9", "/proc/1/root", "fds/9"} {
		mounts = append(mounts, bootplan.Mount{
			Type: "overlay", Source: "overlay", Target: fmt.Sprintf("/overlay%d", i), Options: "lowerdir=" + lower + ":/empty",
		})
	}
	for target, lower := range map[string]string{"/plain": "/lower", "/dots": "/lower/../lower"} {
		mounts = append(mounts, bootplan.Mount{Type: "overlay", Source: "overlay", Target: target, Options: "lowerdir=" + lower + ":/empty"})
	}
	mounts = append(mounts, bootplan.Mount{Type: "none", Source: "/proc/self/exe", Target: "/file", Options: "bind"})
	img := planImage(t, mounts, `  - {type: dir, dst: /empty}
  - {type: file, dst: /lower/file, content: x}
  - {type: file, dst: /file, content: ""}
  - {type: symlink, dst: /link, target: /proc/1/cwd}
  - {type: symlink, dst: /self, target: proc/self/root}
  - {type: symlink, dst: /fds, target: /proc/self/fd}
  - {type: symlink, dst: /dev/fd, target: /proc/self/fd}
`)
	// If a bind reached a directory of the host or /, the file could be read.
	script := `for d in /to* /overlay* /file; do for f in $d $d/secret $d/shared/secret $d` + dir + `/secret; do
/busybox test -f $f -a -s $f && echo $d $f && echo changed >$f; done; done
/busybox test "$(/busybox ls /plain)" = "$(/busybox ls /dots)" || echo /dots $(/busybox ls /dots); exit 0`
	for _, r := range runners() {
		t.Run(r.name, func(t *testing.T) {
			cmd := r.command(t, img, "/busybox", "sh", "-c", script)
			cmd.Dir = dir
			out, _ := outputOf(t, withFD9(t, cmd, dir))
			for line := range strings.Lines(out) {
				target, file, _ := strings.Cut(strings.TrimSpace(line), " ")
				i := slices.IndexFunc(mounts, func(m bootplan.Mount) bool { return m.Target == target })
				t.Errorf("%+v: got %q, which is not the root's", mounts[i], file)
			}
			wantUntouched(t, dir)
		})
	}
}

// TestRunMountTargets mounts on a directory of the host, by every name that a plan can give
// it. Nothing is made there. The mount is at the same path in the root.
func TestRunMountTargets(t *testing.T) {
	dir := hostDir(t)
	tests := []struct{ target, want string }{
		{dir[1:] + "/made-relative", dir + "/made-relative"},
		{"relative", "/relative"},
		{"../up", "/up"},
		{"/run", "/var/run"},
		{"/dangling", dir + "/made-dangling"},
		{"/proc/self/cwd" + dir + "/made-cwd", dir + "/made-cwd"},
		{"/proc/1/root/made-root", "/made-root"},
		{"/cwd/made-link", "/made-link"},
		{"/climb/made-climb", "/made-climb"},
		{"/dots", "/" + filepath.Base(dir) + "/dots"},
		{"/proc/self/fd/9/made-fd", ""},
	}
	mounts := []bootplan.Mount{{Type: "proc", Source: "proc", Target: "/proc"}}
	for i, test := range tests {
		mounts = append(mounts, bootplan.Mount{Type: "tmpfs", Source: fmt.Sprint("mount", i), Target: test.target})
	}
	img := planImage(t, mounts, `  - {type: symlink, dst: /run, target: var/run}
  - {type: symlink, dst: /dangling, target: `+dir+`/made-dangling}
  - {type: symlink, dst: /cwd, target: /proc/self/cwd}
  - {type: symlink, dst: /climb, target: ../../..}
  - {type: symlink, dst: /dots, target: "../../`+filepath.Base(dir)+`/dots"}
`)
	for _, r := range runners() {
		t.Run(r.name, func(t *testing.T) {
			cmd := r.command(t, img, "/busybox", "cat", "/proc/mounts")
			cmd.Dir = dir
			got := map[string]string{}
			out, _ := outputOf(t, withFD9(t, cmd, dir))
			for line := range strings.Lines(out) {
				if words := strings.Fields(line); strings.HasPrefix(words[0], "mount") {
					got[words[0]] = words[1]
				}
			}
			want := map[string]string{}
			for i, test := range tests {
				if test.want != "" {
					want[fmt.Sprint("mount", i)] = test.want
				}
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("mounts, -want +got\n%s", diff)
			}
			wantUntouched(t, dir)
		})
	}
}

// TestRunOpenFiles runs a program that lists its open files. These are the standard files,
// and the directory that it lists.
func TestRunOpenFiles(t *testing.T) {
	dir := hostDir(t)
	img := planImage(t, []bootplan.Mount{{Type: "proc", Source: "proc", Target: "/proc"}}, "")
	for _, r := range runners() {
		t.Run(r.name, func(t *testing.T) {
			got, _ := outputOf(t, withFD9(t, r.command(t, img, "/busybox", "ls", "-1", "/proc/self/fd"), dir))
			if want := "0\n1\n2\n3\n"; got != want {
				t.Errorf("got descriptors %q, want %q", got, want)
			}
			// The image came from standard input, and nothing is left there for the program.
			got, _ = r.output(t, img, "/busybox", "readlink", "/proc/self/fd/0")
			if want := "/dev/null\n"; got != want {
				t.Errorf("got standard input %q, want %q", got, want)
			}
		})
	}
}

// TestRunDirectory passes a directory of the host as a standard file.
func TestRunDirectory(t *testing.T) {
	dir := hostDir(t)
	img := planImage(t, []bootplan.Mount{{Type: "proc", Source: "proc", Target: "/proc"}}, "")
	for _, r := range runners() {
		for i, name := range []string{"standard input", "standard output"} {
			t.Run(r.name+", "+name, func(t *testing.T) {
				cmd := r.command(t, img, "/busybox", "cat", fmt.Sprintf("/proc/self/fd/%d/secret", i))
				cmd.Args[2] = "/proc/self/fd/4"
				file, err := os.Open(img)
				if err != nil {
					t.Fatal(err)
				}
				defer file.Close()
				opened, err := os.Open(dir)
				if err != nil {
					t.Fatal(err)
				}
				defer opened.Close()
				cmd.ExtraFiles = append(cmd.ExtraFiles, file)
				var out bytes.Buffer
				cmd.Stdin, cmd.Stdout, cmd.Stderr = nil, &out, &out
				if i == 0 {
					cmd.Stdin = opened
				} else {
					cmd.Stdout = opened
				}
				err = cmd.Run()
				want := "mkinitfs: " + name + " is a directory: the program in the image could leave its root through it\n" +
					"  redirect it to a file, a pipe or /dev/null\n"
				if err == nil || out.String() != want {
					t.Errorf("got error %v and\n%s\nwant\n%s", err, &out, want)
				}
			})
		}
	}
}

// TestRunOwnProgram runs mkinitfs as the image's program. That starts another program of the
// image, which tries to change the file that mkinitfs was started from.
func TestRunOwnProgram(t *testing.T) {
	const manifest = "version: 1\nroot: {type: none}\ninit: {exec: /x}\n" +
		"compress: {command: [/change]}\ncontents: [{type: file, dst: /x, mode: 0755, content: x}]\n"
	const change = "#!/busybox sh\n/busybox chmod 0700 /proc/1/exe\nexec /busybox gzip -n\n"
	img := planImage(t, []bootplan.Mount{{Type: "proc", Source: "proc", Target: "/proc"}}, fmt.Sprintf(`  - {type: symlink, dst: /mkinitfs, target: /proc/1/exe}
  - {type: dir, dst: /tmp, mode: 01777}
  - {type: file, dst: /m.yaml, content: %q}
  - {type: file, dst: /change, mode: 0755, content: %q}
`, manifest, change))
	program := filepath.Join(t.TempDir(), "mkinitfs")
	build := exec.Command("go", "build", "-o", program, ".") // a static program
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, r := range runners() {
		t.Run(r.name, func(t *testing.T) {
			const mode = os.FileMode(0o755)
			if err := os.Chmod(program, mode); err != nil {
				t.Fatal(err)
			}
			if r.credential != nil {
				if err := os.Chown(program, int(r.credential.Uid), int(r.credential.Gid)); err != nil {
					t.Fatal(err)
				}
			}
			cmd := r.command(t, img, "/mkinitfs", "build", "/m.yaml", "-o", "/m.img", "--no-cache")
			self, err := os.Open(program)
			if err != nil {
				t.Fatal(err)
			}
			defer self.Close()
			cmd.ExtraFiles[0] = self
			if _, words := outputOf(t, cmd); strings.Contains(words, "going on with its file") {
				testenv.Missing(t, "%s", words)
			}
			info, err := os.Stat(program)
			if err != nil {
				t.Fatal(err)
			}
			if got := info.Mode(); got != mode {
				t.Errorf("got mode %v of mkinitfs after the image has run, want %v", got, mode)
			}
		})
	}
}

// TestRunPipe runs the example of docs/images.md. Another program writes the image, and there
// is no terminal.
func TestRunPipe(t *testing.T) {
	testenv.Tool(t, "cpio")
	dir := t.TempDir()
	rootfs := filepath.Join(dir, "rootfs")
	if err := os.Mkdir(rootfs, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"busybox": readFile(t, testenv.Tool(t, "busybox")),
		"init":    "#!/busybox sh\necho process $$ reads $(/busybox readlink /proc/self/fd/0) and has $(/busybox ls /proc/self/fd)\n",
	} {
		file := filepath.Join(rootfs, name)
		writeFile(t, file, []byte(content))
		if err := os.Chmod(file, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	example := regexp.MustCompile(`(?m)^\$ (.* \| mkinitfs run /dev/fd/3 .*)$`).FindStringSubmatch(readFile(t, filepath.Join(repository(t), "docs/images.md")))
	if example == nil {
		t.Fatal("got no example with /dev/fd/3 in docs/images.md, want one")
	}
	cmd := exec.Command("sh", "-c", example[1])
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	got, _ := outputOf(t, cmd)
	if want := "process 1 reads /dev/null and has 0 1 2 3\n"; got != want {
		t.Errorf("%s: got %q, want %q", example[1], got, want)
	}
}

// TestRunShared mounts file systems that a machine has only once. The program cannot change
// them, and the host's mounts stay as they are.
func TestRunShared(t *testing.T) {
	mounts := []bootplan.Mount{
		{Type: "proc", Source: "proc", Target: "/proc"},
		{Type: "sysfs", Source: "sysfs", Target: "/sys"},
		{Type: "cgroup2", Source: "cgroup2", Target: "/cgroup"},
		{Type: "debugfs", Source: "debugfs", Target: "/debug", Options: "nosuid"},
		{Type: "tracefs", Source: "tracefs", Target: "/trace", Options: "nosuid,rw"},
		{Type: "securityfs", Source: "securityfs", Target: "/security", Options: "ro"},
		{Type: "configfs", Source: "configfs", Target: "/config"},
		{Type: "debugfs", Source: "debugfs", Target: "/mode", Options: "mode=0777"},
	}
	img := planImage(t, mounts, "")
	for _, r := range runners() {
		t.Run(r.name, func(t *testing.T) {
			got, words := r.output(t, img, "/busybox", "cat", "/proc/mounts")
			if r.name == "user" && unix.MountSetattr(-1, "", 0, &unix.MountAttr{}) == unix.ENOSYS {
				t.Skip("Linux before 5.12: /sys stays as the host has it")
			}
			found := 0
			for line := range strings.Lines(got) {
				f := strings.Fields(line)
				if f[2] == "proc" || !slices.ContainsFunc(mounts, func(m bootplan.Mount) bool { return f[1] == m.Target || strings.HasPrefix(f[1], m.Target+"/") }) {
					continue
				}
				found++
				if !strings.HasPrefix(f[3], "ro,") {
					t.Errorf("got %q, want it read-only", line)
				}
			}
			if found == 0 {
				t.Errorf("got no file system of the host's, want some; said:\n%s", words)
			}
			if want := "mount debugfs on /mode: options \"mode=0777\" would change the host's debugfs; left out"; !strings.Contains(words, want) {
				t.Errorf("got %q on standard error, want %q in it", words, want)
			}
			if want := "securityfs on /security is"; strings.Contains(words, want) {
				t.Errorf("got %q on standard error, want no word of one that was to be read-only", words)
			}
			if !strings.Contains(got, " /debug debugfs ") {
				return // this user cannot mount it
			}
			if want := "mkinitfs: debugfs on /debug is the host's: mounted read-only\n"; !strings.Contains(words, want) {
				t.Errorf("got %q on standard error, want %q in it", words, want)
			}
			// mountinfo shows the flags of the super block behind those of the mount. With a
			// read-only super block the host could not write any more.
			if again, _ := r.output(t, img, "/busybox", "grep", "/debug", "/proc/self/mountinfo"); !strings.Contains(again, " - debugfs debugfs rw") {
				t.Errorf("got %q, want that the host's stays writable", again)
			}
		})
	}
}

// TestRunLentNodes runs images that name the same device node several times, through links
// and with another entry in its place.
func TestRunLentNodes(t *testing.T) {
	busybox := readFile(t, testenv.Tool(t, "busybox"))
	const dir, file, link, char = cpio.TypeDir, cpio.TypeFile, cpio.TypeLink, cpio.TypeChar
	null := func(name string) cpioEntry {
		return cpioEntry{cpio.Header{Name: name, Mode: char | 0o666, Nlink: 1, RdevMajor: 1, RdevMinor: 3}, ""}
	}
	var img bytes.Buffer
	archive(t, &img,
		cpioEntry{cpio.Header{Name: "busybox", Mode: file | 0o755, Nlink: 1}, busybox},
		cpioEntry{cpio.Header{Name: "d", Mode: dir | 0o755, Nlink: 2}, ""},
		cpioEntry{cpio.Header{Name: "l", Mode: link | 0o777, Nlink: 1}, "/d/../d"},
		null("l/null"), null("now-file"), null("now-link"), null("now-dir"), null("now-null"),
	)
	archive(t, &img,
		cpioEntry{cpio.Header{Name: "now-file", Mode: file | 0o644, Nlink: 1}, "file"},
		cpioEntry{cpio.Header{Name: "now-link", Mode: link | 0o777, Nlink: 1}, "busybox"},
		cpioEntry{cpio.Header{Name: "now-dir", Mode: dir | 0o755, Nlink: 2}, ""},
		null("./now-null"),
	)
	name := filepath.Join(t.TempDir(), "nodes.img")
	writeFile(t, name, img.Bytes())
	for _, r := range runners() {
		t.Run(r.name, func(t *testing.T) {
			got, _ := r.output(t, name, "/busybox", "sh", "-c", `cd /; for f in d/null now-*; do echo $f $(/busybox stat -c %F $f); done
echo $(/busybox cat now-file); echo lost >d/null; /busybox stat -c %s d/null`)
			const want = `d/null character special file
now-dir directory
now-file regular file
now-link symbolic link
now-null character special file
file
0
`
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestRunConsole runs an image on a terminal. This is its console, with the image's own /dev
// and with a mounted one.
func TestRunConsole(t *testing.T) {
	proc := bootplan.Mount{Type: "proc", Source: "proc", Target: "/proc"}
	for what, mounts := range map[string][]bootplan.Mount{
		"mounted": {proc, {Type: "devtmpfs", Source: "dev", Target: "/dev"}}, "the image's": {proc},
	} {
		img := planImage(t, mounts, "  - {type: char, dst: /dev/console, dev: \"5:1\", mode: 0600, replace: true}\n")
		for _, r := range runners() {
			t.Run(r.name+", "+what, func(t *testing.T) {
				terminal, user := openTerminal(t)
				if r.credential != nil { // a terminal belongs to its user
					if err := user.Chown(int(r.credential.Uid), int(r.credential.Gid)); err != nil {
						t.Fatal(err)
					}
				}
				cmd := r.command(t, img, "/busybox", "sh", "-c", "echo the console >/dev/console")
				cmd.Args[2] = "/proc/self/fd/4"
				cmd.ExtraFiles = append(cmd.ExtraFiles, cmd.Stdin.(*os.File))
				cmd.Stdin = user
				outputOf(t, cmd)
				user.Close()
				got := make([]byte, 64)
				n, err := terminal.Read(got)
				if want := "the console\r\n"; err != nil || string(got[:n]) != want {
					t.Errorf("got %q and error %v on the terminal, want %q", got[:n], err, want)
				}
			})
		}
	}
}

// openTerminal makes a pseudo-terminal and returns its two ends.
func openTerminal(t *testing.T) (terminal, user *os.File) {
	t.Helper()
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		testenv.Missing(t, "%v", err)
	}
	t.Cleanup(func() { terminal.Close() })
	if err := unix.IoctlSetPointerInt(int(terminal.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		testenv.Missing(t, "unlock a terminal: %v", err)
	}
	n, err := unix.IoctlGetInt(int(terminal.Fd()), unix.TIOCGPTN)
	if err != nil {
		testenv.Missing(t, "number of a terminal: %v", err)
	}
	user, err = os.OpenFile(fmt.Sprint("/dev/pts/", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		testenv.Missing(t, "%v", err)
	}
	t.Cleanup(func() { user.Close() })
	return terminal, user
}

// TestRunKeys runs a program that looks for a key of its caller's session.
func TestRunKeys(t *testing.T) {
	img := planImage(t, []bootplan.Mount{{Type: "proc", Source: "proc", Target: "/proc"}}, "")
	for _, r := range runners() {
		t.Run(r.name, func(t *testing.T) {
			runtime.LockOSThread() // the thread, which has the keyring, ends with the test
			if _, err := unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0); err != nil {
				testenv.Missing(t, "make a session keyring: %v", err)
			}
			key, err := unix.AddKey("user", "of-the-host", []byte("secret"), unix.KEY_SPEC_SESSION_KEYRING)
			if err != nil {
				testenv.Missing(t, "make a key: %v", err)
			}
			const sessionOnly = 0x3f000000 // all rights, through the keyring that it is in
			if err := unix.KeyctlSetperm(key, sessionOnly); err != nil {
				t.Fatal(err)
			}
			if r.credential != nil {
				if _, err := unix.KeyctlInt(unix.KEYCTL_CHOWN, key, int(r.credential.Uid), int(r.credential.Gid), 0); err != nil {
					t.Fatal(err)
				}
			}
			if text := readFile(t, "/proc/keys"); !strings.Contains(text, "of-the-host") {
				t.Fatalf("got no key in the caller's session:\n%s", text)
			}
			if got, _ := r.output(t, img, "/busybox", "cat", "/proc/keys"); strings.Contains(got, "of-the-host") {
				t.Errorf("got a key of the caller's session, want none:\n%s", got)
			}
		})
	}
}
