package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// cell is a boot in the table that "make test-all" prints at its end. The kernel's release
// and time come from the serial log.
type cell struct {
	machine
	root, codec string
	qemu        qemu.Machine
	log         bytes.Buffer
}

// cell begins a boot of m. The boot is in the table even if there is no kernel or emulator
// for it.
func (m machine) cell(t *testing.T, root, codec string) *cell {
	t.Helper()
	c := &cell{machine: m, root: root, codec: codec}
	c.memory = cmp.Or(m.memory, 256)
	t.Cleanup(func() { c.enter(t) })
	c.qemu = qemu.Machine{Arch: m.arch, Kernel: testenv.Kernel(t, m.kernel), MemoryMiB: c.memory, Console: &c.log}
	if err := c.qemu.Runnable(); err != nil {
		testenv.Missing(t, "%v", err)
	}
	return c
}

var (
	linuxVersion = regexp.MustCompile(`Linux version (\S+)`)
	timestamp    = regexp.MustCompile(`(?m)^\[ *([0-9]+\.[0-9])[0-9]*\] `)
)

// release returns the release in uname(2), or "" if the boot did not get that far.
func (c *cell) release() string {
	if found := linuxVersion.FindSubmatch(c.log.Bytes()); found != nil {
		return string(found[1])
	}
	return ""
}

// linux returns the first number of the release.
func (c *cell) linux() int {
	first, _, _ := strings.Cut(c.release(), ".")
	n, _ := strconv.Atoi(first)
	return n
}

// seconds returns how long the kernel ran, by its own clock.
func (c *cell) seconds() string {
	if found := timestamp.FindAllSubmatch(c.log.Bytes(), -1); found != nil {
		return string(found[len(found)-1][1])
	}
	return ""
}

// enter records the outcome of t if a table is wanted.
func (c *cell) enter(t *testing.T) {
	file := os.Getenv("MKINITFS_TEST_TABLE")
	if file == "" {
		return
	}
	outcome := "ok"
	switch {
	case t.Failed():
		outcome = "FAIL"
	case t.Skipped():
		outcome = "not to be had"
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Error(err)
		return
	}
	defer f.Close()
	fmt.Fprintln(f, strings.Join([]string{
		c.kernel, cmp.Or(c.release(), "-"), c.arch, c.root, cmp.Or(c.codec, "-"),
		strconv.Itoa(c.memory), cmp.Or(c.seconds(), "-"), outcome,
	}, "\t"))
}
