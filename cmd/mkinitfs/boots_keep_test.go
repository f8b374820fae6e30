package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
)

// keep puts the image of a boot into the directory MKINITFS_TEST_KEEP, with a script
// that boots it again. Without that variable it does nothing.
func keep(t *testing.T, m qemu.Machine) {
	t.Helper()
	top := os.Getenv("MKINITFS_TEST_KEEP")
	if top == "" {
		return
	}
	if !filepath.IsAbs(top) {
		t.Fatalf("MKINITFS_TEST_KEEP=%q: want an absolute path", top)
	}
	if err := os.MkdirAll(top, 0o755); err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`[^\w.-]+`).ReplaceAllString(t.Name(), "-")
	dir, err := os.MkdirTemp(top, name+"-")
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "root.img"), []byte(readFile(t, m.Image)))
	script := filepath.Join(dir, "boot")
	writeFile(t, script, []byte(replay(m)))
	if err := os.Chmod(script, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Logf("boot it again with %s", script)
}

// replay returns a script that boots root.img beside it on a machine like m.
func replay(m qemu.Machine) string {
	quote := func(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
	var b strings.Builder
	b.WriteString("#!/bin/sh\n# Boots the image of a test again. Further flags of mkinitfs boot may follow.\n")
	for _, typed := range m.Typed {
		fmt.Fprintf(&b, "# The test types %q at %q, which this script does not.\n", typed.Text, typed.Prompt)
	}
	if m.Disk != "" {
		b.WriteString("# The test has a disk, which this script has not.\n")
	}
	b.WriteString(`exec mkinitfs boot "$(dirname "$0")/root.img" --no-kvm --kernel ` + quote(m.Kernel))
	for _, flag := range []struct{ name, value string }{{"--arch", m.Arch}, {"--append", m.Append}} {
		if flag.value != "" {
			b.WriteString(" " + flag.name + " " + quote(flag.value))
		}
	}
	for _, flag := range []struct {
		name  string
		value int
	}{{"--memory", m.MemoryMiB}, {"--cpus", m.CPUs}} {
		if flag.value != 0 {
			fmt.Fprintf(&b, " %s %d", flag.name, flag.value)
		}
	}
	fmt.Fprintf(&b, " --timeout %s \"$@\"\n", m.Timeout)
	return b.String()
}

// TestReplay keeps an image. Its script must pass the arguments that the machine was started
// with.
func TestReplay(t *testing.T) {
	top := t.TempDir()
	t.Setenv("MKINITFS_TEST_KEEP", top)
	img := filepath.Join(t.TempDir(), "some.img")
	writeFile(t, img, []byte("an image"))
	keep(t, qemu.Machine{Image: img, Kernel: "/no kernel", Arch: "amd64", Append: "a='b c'", MemoryMiB: 300, CPUs: 2, Timeout: 60e9})
	kept, err := filepath.Glob(filepath.Join(top, "TestReplay-*/boot"))
	if err != nil || len(kept) != 1 {
		t.Fatalf("got %v, error %v, want one script", kept, err)
	}
	if got := readFile(t, filepath.Join(filepath.Dir(kept[0]), "root.img")); got != "an image" {
		t.Errorf("got image %q, want a copy", got)
	}
	// A program of that name prints its arguments.
	bin := t.TempDir()
	writeFile(t, filepath.Join(bin, "mkinitfs"), []byte("#!/bin/sh\nprintf '%s\\n' \"$@\"\n"))
	if err := os.Chmod(filepath.Join(bin, "mkinitfs"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	got, _ := outputOf(t, exec.Command(kept[0], "--expect", "x"))
	want := "boot\n" + filepath.Dir(kept[0]) + "/root.img\n--no-kvm\n--kernel\n/no kernel\n--arch\namd64\n--append\na='b c'\n" +
		"--memory\n300\n--cpus\n2\n--timeout\n1m0s\n--expect\nx\n"
	if got != want {
		t.Errorf("got arguments\n%s\nwant\n%s", got, want)
	}
}
