//go:build linux

package main

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// pivot repeats the work of runc for a container: in a mount namespace of its own it makes a
// new mount the root with pivot_root(2). Afterwards its thread cannot be used for anything
// else.
func pivot() error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with us
		result <- pivotHere()
	}()
	return <-result
}

func pivotHere() error {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make / private: %w", err)
	}
	if err := unix.Mount("ramfs", scratch, "ramfs", 0, ""); err != nil {
		return fmt.Errorf("mount ramfs: %w", err)
	}
	if err := unix.Chdir(scratch); err != nil {
		return fmt.Errorf("chdir: %w", err)
	}
	if err := unix.PivotRoot(".", "."); err != nil {
		return fmt.Errorf("pivot_root: %w", err)
	}
	return nil
}
