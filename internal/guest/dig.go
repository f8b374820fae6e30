//go:build linux

package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// dig looks beneath the root: in a mount namespace of its own it unmounts / and enters the
// namespace again, so that the mount beneath becomes its root. It returns the names there and
// the result of an attempt to write.
func dig() (names []string, write string, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // and never unlocked: the thread ends with us
		names, write, err = digHere()
	}()
	<-done
	return names, write, err
}

func digHere() ([]string, string, error) {
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return nil, "", fmt.Errorf("unshare: %w", err)
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, "", fmt.Errorf("make / private: %w", err)
	}
	if err := unix.Mount("proc", scratch, "proc", 0, ""); err != nil {
		return nil, "", fmt.Errorf("mount proc: %w", err)
	}
	namespace, err := os.Open(scratch + "/thread-self/ns/mnt")
	if err != nil {
		return nil, "", err
	}
	defer namespace.Close()
	if err := unix.Unmount("/", unix.MNT_DETACH); err != nil {
		return nil, "", fmt.Errorf("unmount /: %w", err)
	}
	if err := unix.Setns(int(namespace.Fd()), unix.CLONE_NEWNS); err != nil {
		return nil, "", fmt.Errorf("enter the namespace: %w", err)
	}
	var names []string
	var collect func(dir string) error
	collect = func(dir string) error {
		entries, err := os.ReadDir(dir)
		for _, e := range entries {
			path := strings.TrimSuffix(dir, "/") + "/" + e.Name()
			names = append(names, path)
			if e.IsDir() {
				err = errors.Join(err, collect(path))
			}
		}
		return err
	}
	if err := collect("/"); err != nil {
		return nil, "", err
	}
	if err := os.WriteFile("/beneath", nil, 0o600); err != nil {
		return names, errors.Unwrap(err).Error(), nil
	}
	return names, "", nil
}
