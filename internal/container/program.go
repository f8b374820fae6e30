//go:build linux

package container

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/internal/arch"
)

// exec becomes the command, or else the image's program, as the stub would start it.
func (in *inside) exec(command []string) error {
	plan := in.plan
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
	chosen := len(command) > 0
	if u := plan.User; u != nil && u.Home != "" && !chosen {
		add("HOME", u.Home)
	}
	add("HOME", "/")
	add("TERM", term)
	if !chosen {
		command = append([]string{plan.Exec}, plan.Args...)
		if plan.OnExit != "" {
			in.say("init.supervise is for a machine: here %s is process 1 itself", plan.Exec)
		}
		if len(plan.Modules) > 0 {
			in.say("init.modules is for a machine: no kernel module is loaded here")
		}
		if err := in.enterWorkdir(plan); err != nil {
			return err
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
	var stat *fs.PathError // its path is the program's again
	if errors.As(err, &stat) {
		err = stat.Err
	}
	if err != nil {
		err = fmt.Errorf("%s: program %q: %w", in.name, command[0], err)
		if !chosen {
			err = fmt.Errorf("%w\n  mkinitfs run IMAGE -- PROGRAM starts another program of the image", err)
		}
		return &ProgramError{err}
	}
	if !chosen {
		if err := in.becomeUser(plan); err != nil {
			return err
		}
	}
	// The kernel clears the parent-death signal of a process whose ids or capabilities change.
	// The setting is that of one thread (prctl(2)).
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("tie to the outer process: %w", err)
	}
	// A session keyring of its own hides the caller's keys from the program. If the
	// kernel has no keys, or a filter forbids the call, there is nothing to hide.
	_, _ = unix.KeyctlInt(unix.KEYCTL_JOIN_SESSION_KEYRING, 0, 0, 0, 0)
	err = fmt.Errorf("%s: program %q: %w", in.name, command[0], syscall.Exec(program, command, env))
	switch {
	case errors.Is(err, syscall.ENOENT):
		err = fmt.Errorf("%w\n  the interpreter or loader that it names is not in the root", err)
	case errors.Is(err, syscall.ENOEXEC) && plan.Arch != "" && arch.GOARCH(plan.Arch) != runtime.GOARCH:
		err = fmt.Errorf("%w\n  the image is for %s, this machine is %s: \"mkinitfs boot\" has one of every kind", err, plan.Arch, runtime.GOARCH)
	}
	return &ProgramError{err}
}

// enterWorkdir enters the directory that the plan wants for the program, and makes it if it is
// missing.
func (in *inside) enterWorkdir(p *bootplan.Plan) error {
	if p.Workdir == "" {
		return nil
	}
	err := os.MkdirAll(p.Workdir, 0o755)
	if err == nil {
		err = os.Chdir(p.Workdir)
	}
	if err != nil {
		return fmt.Errorf("%s: enter init.workdir: %w", in.name, err)
	}
	return nil
}

// becomeUser takes the ids of the plan's user. Without ids of its own here the program stays
// root, as do files of such owners.
func (in *inside) becomeUser(p *bootplan.Plan) error {
	u := p.User
	if u == nil {
		return nil
	}
	if !in.user.Has(u.UID, p.Groups) {
		in.say("%s runs as root: there are no ids for init.user here", p.Exec)
		return nil
	}
	groups := make([]int, len(p.Groups))
	for i, id := range p.Groups {
		groups[i] = int(id)
	}
	if err := syscall.Setgroups(groups); err != nil { // where only one id is mapped
		in.say("supplementary groups are left out: %v", err)
	}
	err := syscall.Setgid(int(u.GID))
	if err == nil {
		err = syscall.Setuid(int(u.UID))
	}
	if err != nil {
		return fmt.Errorf("%s: become init.user: %w", in.name, err)
	}
	return nil
}

// ProgramError is the reason why the program, or the command in its place, cannot be executed.
type ProgramError struct{ error }

func (e *ProgramError) Unwrap() error { return e.error }

// ExitStatus returns the status that env(1) has: 127 if the program is not there, else 126.
func (e *ProgramError) ExitStatus() int {
	if errors.Is(e, exec.ErrNotFound) || errors.Is(e, fs.ErrNotExist) {
		return 127
	}
	return 126
}
