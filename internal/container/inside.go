//go:build linux

package container

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/stub/bootplan"
)

// inside is the first process of the new namespaces.
type inside struct {
	stderr io.Writer
	name   string // of the image
	host   *os.File
	exact  bool              // this is root as the machine knows it, who can make device nodes
	bound  map[device]string // nodes that the host lends, by their path without the first slash
	tree   *tree
}

// Inside does what [Run] has started this process for, and returns only if that
// fails. Its arguments are stepWait or stepGo, the image's name and the command.
func Inside(ctx context.Context, args []string, stderr io.Writer) error {
	if len(args) < 2 || os.Getpid() != 1 {
		return errors.New("this is for mkinitfs itself: use \"mkinitfs run\"")
	}
	if args[0] == stepWait {
		return becomeRoot(args[1:])
	}
	syscall.CloseOnExec(imageFD)
	syscall.CloseOnExec(mappedFD)
	syscall.Umask(0)
	_ = syscall.Setgroups(nil) // is forbidden where only one id is mapped, and nothing hangs on it there

	in := &inside{name: args[1], stderr: stderr}
	if err := in.makeRoot(ctx); err != nil {
		return err
	}
	return in.exec(args[2:])
}

// becomeRoot waits until the outer half has mapped an id to 0 and starts over: it
// is execve(2) that gives root its capabilities.
func becomeRoot(args []string) error {
	if n, err := os.NewFile(mappedFD, "ids").Read(make([]byte, 1)); n == 0 {
		return fmt.Errorf("become root: %w", err)
	}
	argv := append([]string{os.Args[0], InsideCommand, stepGo}, args...)
	return os.NewSyscallError("exec", syscall.Exec("/proc/self/exe", argv, os.Environ()))
}

// makeRoot makes the image's root this process's root.
func (in *inside) makeRoot(ctx context.Context) error {
	if err := in.askKernel(); err != nil {
		return err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return notAllowed(fmt.Errorf("part from the host's mounts: %w", err))
	}
	newroot := os.TempDir() // any folder does: it is hidden for nobody else
	if err := unix.Mount("tmpfs", newroot, "tmpfs", 0, "mode=0755"); err != nil {
		return notAllowed(fmt.Errorf("mount tmpfs on %s: %w", newroot, err))
	}
	if err := in.unpack(ctx, newroot); err != nil {
		return err
	}
	if err := os.Chdir(newroot); err != nil {
		return err
	}
	// Both roots are now on the same place. The new one is /, and the old one the
	// working folder: paths without a slash in front are the host's.
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	if err := in.host.Chdir(); err != nil {
		return err
	}
	if err := in.mounts(); err != nil {
		return err
	}
	if err := unix.Unmount(".", unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount the host's root: %w", err)
	}
	return os.Chdir("/")
}

// askKernel finds out what this process is allowed.
func (in *inside) askKernel() error {
	var err error
	if in.host, err = os.Open("/"); err != nil {
		return err
	}
	ids, err := OwnIDs()
	if err != nil {
		return err
	}
	in.tree = &tree{ids: ids}
	in.exact = ids.Whole()
	in.bound = map[device]string{}
	if !in.exact {
		for _, n := range nodes {
			in.bound[n.device] = "dev/" + n.name
		}
	}
	// The console is the terminal, if there is one.
	if _, err := unix.IoctlGetTermios(0, unix.TCGETS); err == nil {
		if path, err := os.Readlink("/proc/self/fd/0"); err == nil {
			in.bound[console.device] = strings.TrimPrefix(path, "/")
		}
	}
	in.tree.bound = in.bound
	return nil
}

// unpack unpacks the image into newroot, in a chroot from which it then breaks out.
func (in *inside) unpack(ctx context.Context, newroot string) error {
	if err := syscall.Chroot(newroot); err != nil {
		return fmt.Errorf("chroot %s: %w", newroot, err)
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	if err := in.tree.unpack(ctx, os.NewFile(imageFD, in.name)); err != nil {
		return fmt.Errorf("%s: %w", in.name, err)
	}
	if n := in.tree.squashed; n > 0 {
		in.say("%s given to root: there are no ids for their owners here", count(n, "entry", "entries"))
	}
	if n := in.tree.skipped; n > 0 {
		in.say("%s left out: only root can make them", count(n, "device node", "device nodes"))
	}
	if n := len(in.tree.unset); n > 0 {
		in.say("%s not set, the first being %v", count(n, "extended attribute", "extended attributes"), in.tree.unset[0])
	}
	if err := in.host.Chdir(); err != nil {
		return err
	}
	if err := syscall.Chroot("."); err != nil {
		return fmt.Errorf("leave the chroot: %w", err)
	}
	return nil
}

// exec becomes the command, or else the image's program, as the stub would start it.
func (in *inside) exec(command []string) error {
	plan := in.tree.plan
	if plan == nil {
		plan = &bootplan.Plan{Exec: "/init"}
	}
	env := slices.Clone(plan.Env)
	add := func(name, value string) {
		if !slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, name+"=") }) {
			env = append(env, name+"="+value)
		}
	}
	term := os.Getenv("TERM")
	if term == "" {
		term = "linux"
	}
	add("HOME", "/")
	add("TERM", term)
	if len(command) == 0 {
		command = append([]string{plan.Exec}, plan.Args...)
		if plan.OnExit != "" {
			in.say("init.supervise is for a machine: here %s is process 1 itself", plan.Exec)
		}
	} else {
		add("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	}
	os.Clearenv()
	for _, v := range env {
		name, value, _ := strings.Cut(v, "=")
		os.Setenv(name, value)
	}
	program, err := exec.LookPath(command[0])
	if lookup, ok := errors.AsType[*exec.Error](err); ok {
		err = lookup.Err
	}
	if err != nil {
		return &ProgramError{fmt.Errorf("%s: program %q: %w", in.name, command[0], err)}
	}
	// A process that has gained capabilities since, or another of its threads, has
	// lost the wish to die with its parent.
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("tie to the outer process: %w", err)
	}
	err = fmt.Errorf("%s: program %q: %w", in.name, command[0], syscall.Exec(program, command, env))
	switch {
	case errors.Is(err, syscall.ENOENT):
		err = fmt.Errorf("%w\n  the interpreter or loader that it names is not in the root", err)
	case errors.Is(err, syscall.ENOEXEC) && plan.Arch != "" && plan.Arch != runtime.GOARCH:
		err = fmt.Errorf("%w\n  the image is for %s, this machine is %s: \"mkinitfs boot\" has one of every kind", err, plan.Arch, runtime.GOARCH)
	}
	return &ProgramError{err}
}

// ProgramError is that the program, or the command instead, cannot be executed.
type ProgramError struct{ error }

func (e *ProgramError) Unwrap() error { return e.error }

// ExitStatus is that of env(1): 127 for what is not there, else 126.
func (e *ProgramError) ExitStatus() int {
	if errors.Is(e, exec.ErrNotFound) || errors.Is(e, fs.ErrNotExist) {
		return 127
	}
	return 126
}

func (in *inside) say(format string, args ...any) {
	fmt.Fprintf(in.stderr, "mkinitfs: "+format+"\n", args...)
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}
