//go:build linux

package main

import (
	"os/exec"
	"path/filepath"
)

// tool returns the path of a program of the system.
func (b *bench) tool(name string) (string, bool) {
	path, err := exec.LookPath(name)
	if err != nil {
		b.miss("%v (internal/testenv/packages.sh installs it)", err)
	}
	return path, err == nil
}

// fetched returns the path of a file that peer.sh fetches.
func (b *bench) fetched(name string, elem ...string) (string, bool) {
	path, err := b.script("peer.sh", name)
	if err != nil {
		b.miss("%v", err)
	}
	return filepath.Join(append([]string{path}, elem...)...), err == nil
}

// threecpio returns the command that runs 3cpio with the C library of its release.
func (b *bench) threecpio(args ...string) ([]string, bool) {
	dir, ok := b.fetched("3cpio")
	return append([]string{dir + "/usr/lib64/ld-linux-x86-64.so.2", "--library-path", dir + "/usr/lib/x86_64-linux-gnu", dir + "/usr/bin/3cpio"}, args...), ok
}
