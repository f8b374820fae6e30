//go:build linux

package container

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/image"
)

// inside is the first process of the new namespaces.
type inside struct {
	stderr io.Writer
	name   string // of the image
	user   *image.User
	stage  *stage

	plan *bootplan.Plan          // nil if the image has none
	lent map[string]image.Device // files that a device node of the host is to be bound to
}

// Inside is the part of [Run] in the new namespaces. It returns only if it fails. Its
// arguments are stepWait or stepGo, the name of the image and the command.
func Inside(ctx context.Context, args []string, stderr io.Writer) error {
	if len(args) < 2 || os.Getpid() != 1 {
		return errors.New("this is for mkinitfs itself: use \"mkinitfs run\"")
	}
	if args[0] == stepWait {
		return becomeRoot(args[1:])
	}
	unix.Close(mappedFD)
	unix.Close(programFD)
	if err := closeOnExec(imageFD); err != nil {
		return err
	}
	syscall.Umask(0o022)       // as the kernel has it for its first process: the program inherits it
	_ = syscall.Setgroups(nil) // is forbidden where only one id is mapped, and nothing hangs on it there

	in := &inside{name: args[1], stderr: stderr}
	if err := in.makeRoot(ctx, os.NewFile(imageFD, in.name)); err != nil {
		return err
	}
	return in.exec(args[2:])
}

// becomeRoot waits until the outer half has mapped an id to 0. It then executes this program
// again, because execve(2) gives root its capabilities.
func becomeRoot(args []string) error {
	if n, err := os.NewFile(mappedFD, "ids").Read(make([]byte, 1)); n == 0 {
		return fmt.Errorf("become root: %w", err)
	}
	argv := append([]string{os.Args[0], InsideCommand, stepGo}, args...)
	return os.NewSyscallError("exec", syscall.Exec("/proc/self/exe", argv, os.Environ()))
}

// makeRoot makes the image's root this process's root. It closes the image. After an
// error nothing of the image may be started.
//
// The host's root is unmounted before the first byte of the image is read, and the image file
// is closed before the first mount of its plan. So no path of the image leads to the host.
func (in *inside) makeRoot(ctx context.Context, img *os.File) error {
	defer img.Close()
	var err error
	if in.user, err = image.CurrentUser(); err != nil {
		return err
	}
	if in.stage, err = enterStage(in.user.Exact()); err != nil {
		return err
	}
	if err := in.unpack(ctx, img); err != nil {
		return err
	}
	img.Close()
	if err := in.stage.enter(); err != nil {
		return err
	}
	in.mounts()
	return in.stage.leave()
}

func (in *inside) say(format string, args ...any) {
	fmt.Fprintf(in.stderr, "mkinitfs: "+format+"\n", args...)
}
