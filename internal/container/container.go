//go:build linux

// Package container starts the root of an image without a machine. It does the work of the
// stub at boot, with namespaces instead of a freshly started kernel.
//
// [Run] is the outer half. It starts this program once more, as the first process
// of new mount, PID, IPC, UTS and cgroup namespaces, and of a user namespace
// unless it is root; passes signals on; and waits. [Inside] is what runs there, in
// this order:
//
//   - It closes every descriptor but the standard ones and that of the image.
//   - It makes a tmpfs with the few things that the host lends, the stage, its root
//     by pivot_root(2), and unmounts the host's.
//   - It unpacks the image into a second tmpfs and closes the image.
//   - It makes the mounts that the image asks for in a chroot of that, makes it its
//     root, and unmounts the stage.
//   - It becomes the image's program.
//
// All of this lives in those namespaces and ends with them. The host's files are unreachable
// before the first byte of the image is read, so neither a link in the image nor a path in its
// plan leads to one.
package container

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
)

// InsideCommand is the first argument that makes this program call [Inside] with the others.
const InsideCommand = "run-inside"

// The first argument of the inner half says whether it waits for its ids.
const (
	stepWait = "wait"
	stepGo   = "go"
)

// The descriptors that the outer half leaves open for the inner one.
const (
	imageFD = 3 + iota
	mappedFD
	programFD
)

// namespaces are the new namespaces, also for root. The network stays that of the caller.
const namespaces = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | syscall.CLONE_NEWCGROUP

// Options say what to run.
type Options struct {
	Image   *os.File
	Name    string   // of the image, for errors
	Command []string // instead of the image's own program

	// The program's. Standard error also gets what is worth knowing.
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Run runs the program of an image until it ends. It returns the exit status of the program,
// or 128 plus the signal number if a signal ended it. If the root could not be started, the
// status is 1, or that of a [ProgramError], and standard error has the reason already. An
// error means that nothing was started.
func Run(o Options) (int, error) {
	if err := o.checkStandard(); err != nil {
		return 0, err
	}
	// Pdeathsig kills the child when the thread that started it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, forwarded...)
	defer signal.Stop(signals)

	child, err := o.start()
	if err != nil {
		return 0, err
	}
	killed := child.forward(signals)
	err = child.cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exitStatus(exit.Sys().(syscall.WaitStatus), killed()), nil
	}
	return 0, err
}

// start starts the inner half, as root of its namespaces.
func (o *Options) start() (*process, error) {
	if os.Geteuid() == 0 {
		return o.startWith(namespaces, nil)
	}
	const flags = namespaces | syscall.CLONE_NEWUSER
	ids, err := subordinate()
	if err != nil {
		fmt.Fprintf(o.Stderr, "mkinitfs: %v; going on with one user\n", err)
	}
	if ids != nil {
		child, err := o.startWith(flags, ids)
		if err == nil || !errors.Is(err, errMapping) {
			return child, err
		}
		fmt.Fprintf(o.Stderr, "mkinitfs: %v; going on with one user\n", err)
	}
	return o.startWith(flags, nil)
}

func (o *Options) startWith(flags uintptr, ids *ranges) (*process, error) {
	mapped, done, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer mapped.Close()
	defer done.Close()
	step := stepGo
	if ids != nil {
		step = stepWait
	}
	program, err := ownProgram()
	if err != nil {
		fmt.Fprintf(o.Stderr, "mkinitfs: copy mkinitfs into memory: %v; going on with its file, which the image's program can reach\n", err)
		if program, err = os.Open("/proc/self/exe"); err != nil {
			return nil, err
		}
	}
	defer program.Close()
	if err := closeOnExec(imageFD); err != nil {
		return nil, err
	}
	cmd := exec.Command(fmt.Sprint("/proc/self/fd/", programFD), append([]string{InsideCommand, step, o.Name}, o.Command...)...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = o.Stdin, o.Stdout, o.Stderr
	if sameFile(o.Image, o.Stdin) {
		cmd.Stdin = nil // it would be empty, and the image is not for the program
	}
	cmd.ExtraFiles = []*os.File{imageFD - 3: o.Image, mappedFD - 3: mapped, programFD - 3: program}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags, Pdeathsig: syscall.SIGKILL}
	if flags&syscall.CLONE_NEWUSER != 0 && ids == nil {
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}}
	}
	err = cmd.Start()
	if path, ok := errors.AsType[*fs.PathError](err); ok {
		err = path.Err // without the program's path: the program is not at fault
	}
	if err != nil {
		return nil, notAllowed(fmt.Errorf("make namespaces: %w", err))
	}
	if ids == nil {
		return &process{cmd}, nil
	}
	if err := ids.mapOnto(cmd.Process.Pid); err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		return nil, err
	}
	if _, err := done.Write([]byte{1}); err != nil {
		return nil, fmt.Errorf("start in new namespaces: %w", err)
	}
	return &process{cmd}, nil
}
