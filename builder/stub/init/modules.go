//go:build linux

package main

import (
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// loadModules loads the modules of init.modules in the order of the plan. It runs in the new
// root, because the kernel looks for firmware there. Then it makes the mounts whose file system
// was not known before.
func (b *boot) loadModules() error {
	for _, m := range b.plan.Modules {
		err := loadModule(m.Path)
		switch {
		case err == nil || err == syscall.EEXIST: // loaded already, or built in
		case m.Required:
			return hint(failure("load", m.Path, err), "the kernel's messages above say why")
		default:
			b.attempt("load", m.Path, err)
		}
	}
	for _, m := range b.late {
		if err := b.makeMount(m); err != nil {
			return mountFailure(m, err)
		}
	}
	if b.late == nil {
		return nil
	}
	return b.makeWorkdir() // it may lie on one of them
}

// loadModule loads a module without parameters. Linux has finit_module(2) since 3.8. The older
// init_module(2) would hide the file from IMA and LoadPin.
func loadModule(path string) error {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	var none byte // the text of the parameters
	if _, _, e := syscall.Syscall(finitModule(), uintptr(fd), uintptr(unsafe.Pointer(&none)), 0); e != 0 {
		return e
	}
	return nil
}

// finitModule returns the number of finit_module(2), which package syscall does not know on
// every machine. (A map would be filled by code.)
func finitModule() uintptr {
	switch runtime.GOARCH {
	case "amd64":
		return 313
	case "386":
		return 350
	case "arm":
		return 379
	case "mips", "mipsle":
		return 4348
	case "mips64", "mips64le":
		return 5307
	case "ppc64", "ppc64le":
		return 353
	case "s390x":
		return 344
	}
	return 273 // asm-generic: arm64, loong64, riscv64
}

// waits reports whether a mount has to wait for modules: it is below a mount that waits, or shows
// a part of one.
func (b *boot) waits(m bootplan.Mount) bool {
	for _, late := range b.late {
		if below(m.Target, late.Target) || below(m.Source, late.Target) {
			return true
		}
	}
	return false
}

// below reports whether path is dir or below it.
func below(path, dir string) bool { return strings.HasPrefix(path+"/", dir+"/") }
