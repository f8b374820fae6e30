package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// runner runs an image as root or as another user.
type runner struct {
	name       string
	credential *syscall.Credential
}

// runners returns root, if this is root, and an ordinary user.
func runners() []runner {
	if os.Geteuid() != 0 {
		return []runner{{name: "user"}}
	}
	nobody := &syscall.Credential{Uid: 65534, Gid: 65534}
	return []runner{{name: "root"}, {name: "user", credential: nobody}}
}

// command returns "mkinitfs run" of an image. Both are passed as open files, because the user
// cannot reach their paths.
func (r runner) command(t *testing.T, img string, command ...string) *exec.Cmd {
	t.Helper()
	r.needNamespaces(t)
	self, err := os.Open(commandPath(t))
	if err != nil {
		t.Fatal(err)
	}
	in, err := os.Open(img)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { self.Close(); in.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), testenv.Timeout(t))
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "/proc/self/fd/3", append([]string{"run", "-", "--"}, command...)...)
	cmd.Args[0] = "mkinitfs"
	cmd.ExtraFiles = []*os.File{self}
	cmd.Stdin = in
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: r.credential}
	return cmd
}

// needNamespaces skips a test if the runner may not make namespaces or mount in them. It
// tries that with another program.
func (r runner) needNamespaces(t *testing.T) {
	t.Helper()
	flags := []string{"--mount", "--pid", "--fork"}
	if r.name == "user" {
		flags = append(flags, "--user", "--map-root-user")
	}
	cmd := exec.Command(testenv.Tool(t, "unshare"), append(flags, "mount", "-t", "tmpfs", "none", "/tmp")...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: r.credential}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("no namespaces for %s here: %v\n%s", r.name, err, out)
	}
}

// output runs a command in an image, which must succeed, and returns its output.
func (r runner) output(t *testing.T, img string, command ...string) (stdout, stderr string) {
	t.Helper()
	return outputOf(t, r.command(t, img, command...))
}

// outputOf runs a command that starts an image, which must succeed, and returns its output.
func outputOf(t *testing.T, cmd *exec.Cmd) (stdout, stderr string) {
	t.Helper()
	var out, words bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &words
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v\n%s", err, &words)
	}
	return out.String(), words.String()
}

// TestRunRoot runs a program that looks at every entry of the root, and compares them with
// what list shows.
func TestRunRoot(t *testing.T) {
	busybox := testenv.Tool(t, "busybox")
	for _, root := range []string{"type: tmpfs, mode: 0751", "type: bind", "type: none"} {
		manifest := strings.Replace(sizedManifest(t, 40, "root: {"+root+"}"), "contents:\n",
			"contents:\n  - {type: dir, dst: /proc}\n  - {type: file, src: "+busybox+", dst: /busybox}\n", 1)
		img, _ := buildImage(t, manifest)
		for _, r := range runners() {
			t.Run(r.name+", "+root, func(t *testing.T) {
				var want []string
				squashed, left := 0, 0
				for _, e := range listed(t, img) {
					mine := e
					if r.name == "user" {
						mine.UID, mine.GID = 0, 0
					}
					switch {
					case e.Path == "/proc":
						continue // is hidden by the mount
					case mine.UID != e.UID || mine.GID != e.GID:
						squashed++
					}
					if r.name == "user" && e.Device != "" {
						left++
						if e.Path == "/dev/null" { // the host's
							left--
						}
						continue
					}
					want = append(want, seen(mine))
				}
				got, words := r.output(t, img, "/busybox", "find", "/", "-path", "/proc", "-prune", "-o",
					"-exec", "/busybox", "stat", "-c", "%n|%f|%u|%g|%h|%Y|%t:%T", "{}", ";")
				var lines []string
				for line := range strings.Lines(got) {
					if r.name == "user" && strings.HasPrefix(line, "/dev/null|") {
						continue
					}
					fields := strings.Split(strings.TrimSuffix(line, "\n"), "|")
					if strings.HasPrefix(fields[1], "4") { // a directory
						fields[4] = "2"
					}
					lines = append(lines, strings.Join(fields, "|"))
				}
				slices.Sort(want)
				slices.Sort(lines)
				if diff := gocmp.Diff(want, lines); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
				wantWords := ""
				if r.name == "user" {
					wantWords = fmt.Sprintf("mkinitfs: %d entries given to root: there are no ids for their owners here\n"+
						"mkinitfs: %d device nodes left out: only root can make them\n", squashed, left)
				}
				if words != wantWords {
					t.Errorf("got %q on standard error, want %q", words, wantWords)
				}
			})
		}
	}
}

// seen returns an entry as stat prints it: path, mode, owner, links, time, device. The link
// count of a directory depends on the file system, so it is always 2.
func seen(e entryJSON) string {
	mode, _ := strconv.ParseUint(e.Mode, 8, 32)
	kind := slices.IndexFunc(fileTypes, func(t fileType) bool { return t.name == e.Type })
	var major, minor uint32
	fmt.Sscanf(e.Device, "%d:%d", &major, &minor)
	return fmt.Sprintf("%s|%x|%d|%d|%d|%d|%x:%x", e.Path, fileTypes[kind].mode|uint32(mode), e.UID, e.GID, e.Links, e.MTime, major, minor)
}

// TestRunOverlays runs an image of several archives with different entries for the same
// names. One of the names leads to a file of the host.
func TestRunOverlays(t *testing.T) {
	victim := t.TempDir()
	busybox := readFile(t, testenv.Tool(t, "busybox"))
	const dir, file, link = cpio.TypeDir, cpio.TypeFile, cpio.TypeLink
	var img bytes.Buffer
	archive(t, &img,
		cpioEntry{cpio.Header{Name: "busybox", Mode: file | 0o755, Nlink: 1}, busybox},
		cpioEntry{cpio.Header{Name: "d", Mode: dir | 0o700, Nlink: 2, MTime: 1}, ""},
		cpioEntry{cpio.Header{Name: "d/a", Mode: file | 0o644, Nlink: 2, Ino: 5}, "one"},
		cpioEntry{cpio.Header{Name: "d/b", Mode: file | 0o644, Nlink: 2, Ino: 5}, ""},
		cpioEntry{cpio.Header{Name: "k", Mode: file | 0o644, Nlink: 1}, "file"},
		cpioEntry{cpio.Header{Name: "out", Mode: link | 0o777, Nlink: 1}, victim},
		cpioEntry{cpio.Header{Name: "../up", Mode: file | 0o644, Nlink: 1}, "up"},
	)
	archive(t, &img,
		cpioEntry{cpio.Header{Name: "./d", Mode: dir | 0o2755, Nlink: 2, MTime: 7}, ""},
		cpioEntry{cpio.Header{Name: "d/a", Mode: file | 0o600, Nlink: 1}, "two"},
		cpioEntry{cpio.Header{Name: "k", Mode: dir | 0o755, Nlink: 2}, ""},
		cpioEntry{cpio.Header{Name: "k/c", Mode: file | 0o644, Nlink: 2, Ino: 5}, ""},
		cpioEntry{cpio.Header{Name: "/k/d", Mode: file | 0o644, Nlink: 2, Ino: 5}, "late"}, // as GNU cpio does
	)
	name := filepath.Join(t.TempDir(), "overlays.img")
	writeFile(t, name, img.Bytes())
	const show = `cd /; for f in d/a d/b k/c k/d up; do echo $f $(/busybox cat $f) $(/busybox stat -c '%a %h' $f); done
/busybox stat -c '%n %a %Y' d; /busybox mkdir -p ` + `$(/busybox readlink out) && echo x >out/x`
	for _, r := range runners() {
		t.Run(r.name, func(t *testing.T) {
			got, _ := r.output(t, name, "/busybox", "sh", "-c", show)
			const want = "d/a two 600 2\nd/b two 600 2\nk/c late 644 2\nk/d late 644 2\nup up 644 1\nd 2755 1\n"
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if left := namesIn(victim); len(left) > 0 {
				t.Errorf("got %q in a directory of the host, want nothing", left)
			}
		})
	}

	// An image with an entry that goes through such a link.
	archive(t, &img, cpioEntry{cpio.Header{Name: "out/y", Mode: file | 0o644, Nlink: 1}, "evil"})
	writeFile(t, name, img.Bytes())
	for _, r := range runners() {
		out, err := r.command(t, name, "/busybox", "true").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "out/y: dropped: its path leads through a symbolic link to what is not there") {
			t.Errorf("%s: got error %v and %q, want that the entry is dropped", r.name, err, out)
		}
		if left := namesIn(victim); len(left) > 0 {
			t.Errorf("%s: got %q in a directory of the host, want nothing", r.name, left)
		}
	}
}

type cpioEntry struct {
	cpio.Header
	body string
}

// archive appends an archive.
func archive(t *testing.T, to *bytes.Buffer, entries ...cpioEntry) {
	t.Helper()
	w := cpio.NewWriter(to)
	for _, e := range entries {
		e.Size = int64(len(e.body))
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestRunSignals ends programs by signals to the outer process.
func TestRunSignals(t *testing.T) {
	busybox := readFile(t, testenv.Tool(t, "busybox"))
	var img bytes.Buffer
	archive(t, &img, cpioEntry{cpio.Header{Name: "busybox", Mode: cpio.TypeFile | 0o755, Nlink: 1}, busybox})
	name := filepath.Join(t.TempDir(), "busybox.img")
	writeFile(t, name, img.Bytes())
	sh := func(script string) []string { return []string{"/busybox", "sh", "-c", script} }
	const loop = "; echo ready; while :; do /busybox sleep 0.01; done"
	yes := []string{"/busybox", "yes", "ready"} // ignores signals
	tests := []struct {
		what    string
		command []string
		signal  syscall.Signal
		status  int
	}{
		{"caught", sh("trap 'exit 9' TERM" + loop), syscall.SIGTERM, 9},
		{"not caught", yes, syscall.SIGTERM, 128 + 15},
		{"Ctrl-C", yes, syscall.SIGINT, 128 + 2},
		{"ignored", sh("trap '' TERM; trap 'exit 3' USR1; kill -TERM $$" + loop), syscall.SIGUSR1, 3},
		{"of a child", sh("echo ready; /busybox sh -c 'kill -9 $$'; exit $?"), 0, 137},
	}
	for _, r := range runners() {
		r.output(t, name, "/busybox", "true")
		for _, test := range tests {
			t.Run(r.name+", "+test.what, func(t *testing.T) {
				cmd := r.command(t, name, test.command...)
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
					t.Fatalf("got %q, error %v", line, err)
				}
				if test.signal != 0 {
					if err := cmd.Process.Signal(test.signal); err != nil {
						t.Fatal(err)
					}
				}
				err = cmd.Wait()
				if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != test.status {
					t.Errorf("got %v, want exit status %d", err, test.status)
				}
			})
		}
	}
}

// TestRunUmask checks that a program starts with a kernel's umask, not with the caller's.
func TestRunUmask(t *testing.T) {
	var img bytes.Buffer
	archive(t, &img, cpioEntry{cpio.Header{Name: "busybox", Mode: cpio.TypeFile | 0o755, Nlink: 1}, readFile(t, testenv.Tool(t, "busybox"))})
	name := filepath.Join(t.TempDir(), "busybox.img")
	writeFile(t, name, img.Bytes())
	for _, r := range runners() {
		cmd := r.command(t, name, "/busybox", "sh", "-c", "umask")
		cmd.Args = append([]string{"bash", "-c", `umask 077 && exec -a mkinitfs "$0" "$@"`, cmd.Path}, cmd.Args[1:]...)
		cmd.Path = testenv.Tool(t, "bash")
		if got, _ := outputOf(t, cmd); got != "0022\n" {
			t.Errorf("%s: got %q, want 0022", r.name, got)
		}
	}
}

// TestRunForbidden runs an image where user namespaces are off, in a namespace with a setting
// of its own.
func TestRunForbidden(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can switch user namespaces off")
	}
	var img bytes.Buffer
	archive(t, &img, cpioEntry{cpio.Header{Name: "init", Mode: cpio.TypeFile | 0o755, Nlink: 1}, ""})
	name := filepath.Join(t.TempDir(), "empty.img")
	writeFile(t, name, img.Bytes())

	runner{name: "user", credential: &syscall.Credential{Uid: 65534, Gid: 65534}}.needNamespaces(t)
	inner := runner{}.command(t, name)
	ids := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 65536}}
	cmd := exec.Command("sh", "-c", "echo 0 >/proc/sys/user/max_user_namespaces && exec "+testenv.Tool(t, "setpriv")+
		" --reuid 65534 --clear-groups "+testenv.Tool(t, "bash")+" -c 'exec -a mkinitfs /proc/self/fd/3 run -'")
	cmd.ExtraFiles, cmd.Stdin = inner.ExtraFiles, inner.Stdin
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids, GidMappingsEnableSetgroups: true,
	}
	out, err := cmd.CombinedOutput()
	const want = "mkinitfs: make namespaces: no space left on device\n" +
		"  user namespaces are off on this machine (sysctl user.max_user_namespaces=0): root turns them on with\n" +
		"  \"sysctl user.max_user_namespaces=10000\", or runs this command\n"
	if err == nil || string(out) != want {
		t.Errorf("got error %v and\n%s\nwant\n%s", err, out, want)
	}
}

// TestRunXattrs runs an image with extended attributes. Those that the user may set are
// there, and a line counts the others.
func TestRunXattrs(t *testing.T) {
	img, _ := buildImage(t, sizedManifest(t, 1, xattrItems(t)))
	for _, r := range runners() {
		t.Run(r.name, func(t *testing.T) {
			got, words := r.output(t, img, "/usr/bin/raw", "show-extended-attributes", "/usr/bin/raw", "/noted", "/noted/other", "/noted/link")
			want := `/usr/bin/raw security.capability "\x01\x00\x00\x02\x00 \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
/noted security.odd "\x00\xff\\\n "
`
			said := "mkinitfs: 5 extended attributes not set, the first being trusted.note of /noted: operation not permitted\n"
			if r.name == "root" {
				want += `/noted trusted.note "of a directory"
/noted/other trusted.empty ""
/noted/other trusted.note "of a file"
/noted/link trusted.note "of a link"
`
				said = ""
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if !strings.HasSuffix(words, said) || said == "" && words != "" {
				t.Errorf("got %q on standard error, want %q", words, said)
			}
		})
	}
}
