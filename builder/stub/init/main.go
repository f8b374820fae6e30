//go:build linux

// Command init is the stub: the /init of an image whose root is a file system of
// its own. The kernel unpacks the image onto rootfs and starts it as the first
// process; it makes the root that the plan asks for, puts it over rootfs, and
// becomes the real init.
//
// What it does is the table of steps below. Everything that can be wrong is found
// before the step that empties rootfs. A build tag (stub_gzip, stub_lz4, stub_xz, stub_zstd)
// selects the decoder for the payload; without one the members are raw archives. With
// stub_supervise it does not become the program but stays around it.
//
// It is part of every image, so it imports neither fmt nor os. Tests hold its imports and its
// size.
package main

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// boot holds what one step finds out for later ones.
type boot struct {
	plan    *bootplan.Plan
	words   cmdline
	args    []string // what the kernel gave its init as arguments
	mounts  []mountInfo
	memory  memory
	kmsg    int
	umask   int   // what the kernel gave its init, for the program
	self    int   // /proc/self, if this stub supervises
	started int64 // milliseconds

	holes   bool // rootfs gives back what has been read of a member
	extras  *merger
	newroot string // mount point of the new root while it is not yet /
	mode    uint32 // of the new root
	mounted string // what was mounted there, for the log
	program string
	argv    []string
	entries int64
	workers int
	freed   atomic.Int64 // bytes

	late []bootplan.Mount // wait for modules

	labelled bool // SELinux has its policy and wants labels
	enforce  int  // where to write that it should enforce the policy, or 0
}

type step struct {
	what string
	do   func(*boot) error
	word string // of mkinitfs.break=
}

var first = []step{
	{"start", (*boot).start, ""},
	{"read the plan", (*boot).readPlan, ""},
	{"ask the kernel", (*boot).askKernel, ""},
	{"make mounts private", (*boot).makePrivate, ""},
}

var ontoTmpfs = []step{
	{"remove the kernel's copy of the image", (*boot).removeCopy, ""},
	{"look at rootfs", (*boot).checkRootfs, ""},
	{"remove the names for rdinit=", (*boot).restoreRdinit, ""},
	{"look for what else is on rootfs", (*boot).findExtras, ""},
	{"mount the new root", (*boot).mountRoot, "mount"},
	{"unpack the root", (*boot).unpackRoot, "unpack"},
	{"copy what boot names", (*boot).copyOnce, ""},
	{"load the SELinux policy", (*boot).loadPolicy, ""},
	{"restore extended attributes", (*boot).restoreXattrs, ""},
	{"take over what else is on rootfs", (*boot).takeExtras, ""},
	{"find the program", (*boot).findProgram, "program"},
	{"move mounts", (*boot).moveMounts, ""},
	{"make mounts", (*boot).makeMounts, ""},
	{"make the working directory", (*boot).makeWorkdir, ""},
	{"empty rootfs", (*boot).emptyRootfs, "switch"},
	{"cover rootfs", (*boot).cover, ""},
	{"seal rootfs", (*boot).seal, ""},
	{"enter the new root", (*boot).enter, ""},
}

var ontoBind = []step{
	{"remove the kernel's copy of the image", (*boot).removeCopy, ""},
	{"check the root", (*boot).checkRoot, ""},
	{"restore the root's own init", (*boot).restoreInit, ""},
	{"restore the names for rdinit=", (*boot).restoreRdinit, ""},
	{"load the SELinux policy", (*boot).loadPolicy, ""},
	{"restore extended attributes", (*boot).restoreXattrs, ""},
	{"find the program", (*boot).findProgram, "program"},
	{"bind the root", (*boot).bindRoot, "mount"},
	{"move mounts", (*boot).moveMounts, ""},
	{"make mounts", (*boot).makeMounts, ""},
	{"make the working directory", (*boot).makeWorkdir, ""},
	{"cover rootfs", (*boot).cover, "switch"},
	{"enter the new root", (*boot).enter, ""},
	{"remove the stub", (*boot).removeStub, ""},
}

// onto returns the steps for a type of root, nil if there is no such type. (A map
// would be filled by code.)
func onto(root string) []step {
	switch root {
	case "tmpfs":
		return ontoTmpfs
	case "bind":
		return ontoBind
	}
	return nil
}

var last = []step{
	{"load modules", (*boot).loadModules, "modules"},
	{"open the console", (*boot).openConsole, ""},
	{"enforce the SELinux policy", (*boot).enforcePolicy, ""},
	{"start the program", (*boot).startProgram, "exec"},
}

func main() {
	b := &boot{kmsg: -1, self: -1, plan: &bootplan.Plan{OnError: "panic"}}
	b.resume()
	b.run(first)
	b.run(onto(b.plan.Root))
	b.run(last)
}

func (b *boot) run(steps []step) {
	for _, s := range steps {
		b.pause(s)
		if err := s.do(b); err != nil {
			b.fail(s.what, err)
		}
	}
}

func (b *boot) start() error {
	if syscall.Getpid() != 1 {
		write(2, "mkinitfs: this is the init of an image and has to be the first process: boot the image\n")
		syscall.Exit(1)
	}
	b.started = now()
	b.umask = syscall.Umask(0)
	b.kmsg, _ = syscall.Open("/"+bootplan.Kmsg, syscall.O_WRONLY|syscall.O_CLOEXEC, 0)
	return nil
}

const damaged = "the image is damaged, or its stub is not that of the mkinitfs which built it: build it again, without --stub"

func (b *boot) readPlan() error {
	text, err := readFile("/" + bootplan.Path)
	if err != nil {
		return hint(failure("read", "/"+bootplan.Path, err), damaged)
	}
	plan, err := bootplan.Parse(text)
	if err != nil {
		return hint(failure("read", "/"+bootplan.Path, err), damaged)
	}
	if onto(plan.Root) == nil {
		return hint(errors.New("root type "+plan.Root+", this stub knows tmpfs and bind"), damaged)
	}
	if plan.Root == "tmpfs" && plan.Payload != codec {
		return hint(errors.New("payload "+plan.Payload+", this stub decodes "+codec),
			"build the image without --stub, or with a stub for this codec")
	}
	if wanted := plan.OnExit != ""; wanted && !supervises || !wanted && supervises {
		return hint(errors.New("only one of plan and stub is for init.supervise"), damaged)
	}
	b.plan = plan
	return nil
}

// environment adds the plan's variables to those of the kernel, and the user's HOME if they have
// none. Variables of the command line win, but not HOME and TERM that the kernel itself sets.
func environment(kernel []string, p *bootplan.Plan) []string {
	plan := p.Env
	if p.User != nil && p.User.Home != "" {
		if home := "HOME=" + p.User.Home; !defines(plan, home) {
			plan = append(slices.Clip(plan), home)
		}
	}
	kernel = slices.DeleteFunc(kernel, func(v string) bool {
		return (v == "HOME=/" || v == "TERM=linux") && defines(plan, v)
	})
	for _, v := range plan {
		if !defines(kernel, v) {
			kernel = append(kernel, v)
		}
	}
	return kernel
}

// defines reports whether env has a variable of the same name as v.
func defines(env []string, v string) bool {
	name, _, _ := strings.Cut(v, "=")
	return slices.ContainsFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") })
}
