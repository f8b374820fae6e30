//go:build linux

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var mountTypes = cmp.AllowUnexported(mountInfo{})

func TestParseMounts(t *testing.T) {
	for _, c := range []struct {
		what, text string
		want       []mountInfo
		canPivot   bool
	}{
		{
			"Linux 6.1", "1 1 0:2 / / rw - rootfs rootfs rw,size=116452k,nr_inodes=29113\n" +
				"22 1 0:20 / /.mkinitfs rw,nosuid,nodev,noexec,relatime - proc proc rw\n",
			[]mountInfo{{"1", "1", "/", "rootfs"}}, false,
		},
		{
			"Linux 7.2", "2 1 0:3 / / rw - rootfs rootfs rw,size=116452k,nr_inodes=29113\n" +
				"23 2 0:21 / /.mkinitfs rw,nosuid,nodev,noexec,relatime - proc proc rw\n",
			[]mountInfo{{"2", "1", "/", "rootfs"}}, true,
		},
		{
			"mounts of a loader", "1 1 0:2 / / rw - rootfs rootfs rw\n" +
				"20 1 0:6 / /dev rw,nosuid shared:2 master:1 - devtmpfs dev rw\n" +
				"21 20 0:22 / /dev/pts rw - devpts devpts rw\n" +
				`22 1 8:1 / /mnt/my\040disk rw,relatime shared:7 - ext4 /dev/sda1 rw` + "\n",
			[]mountInfo{{"1", "1", "/", "rootfs"}, {"20", "1", "/dev", "devtmpfs"}, {"21", "20", "/dev/pts", "devpts"}, {"22", "1", "/mnt/my disk", "ext4"}},
			false,
		},
		{"nothing", "", nil, false},
		{"no separator", "1 1 0:2 / / rw rootfs rootfs rw\n", nil, false},
		{"no type", "1 1 0:2 / / rw shared:1 -\n", nil, false},
	} {
		got := parseMounts(c.text, "/.mkinitfs")
		if diff := cmp.Diff(c.want, got, mountTypes); diff != "" {
			t.Errorf("%s: -want +got\n%s", c.what, diff)
		}
		if got := (&boot{mounts: got}).canPivot(); got != c.canPivot {
			t.Errorf("%s: can pivot: got %v, want %v", c.what, got, c.canPivot)
		}
	}
}

// The kernel under the tests has the same format.
func TestParseOwnMounts(t *testing.T) {
	text, err := readFile("/proc/self/mountinfo")
	if err != nil {
		t.Skip(err)
	}
	b := &boot{mounts: parseMounts(string(text), "")}
	if b.mountAt("/") == nil {
		t.Errorf("got no / among %v", b.mounts)
	}
	if len(b.mounts) != count(text, '\n') {
		t.Errorf("got %d mounts, want %d", len(b.mounts), count(text, '\n'))
	}
}

func count(text []byte, c byte) int {
	n := 0
	for _, b := range text {
		if b == c {
			n++
		}
	}
	return n
}

func TestMountAt(t *testing.T) {
	b := &boot{mounts: []mountInfo{{"20", "1", "/dev", "tmpfs"}, {"21", "20", "/dev", "devtmpfs"}}}
	if got := b.mountAt("/dev"); got == nil || got.fstype != "devtmpfs" {
		t.Errorf("/dev: got %v, want the mount that was made last", got)
	}
	for _, path := range []string{"/dev/pts", "/de", "/", ""} {
		if got := b.mountAt(path); got != nil {
			t.Errorf("%s: got %v, want none", path, got)
		}
	}
}

func TestReadMemory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "meminfo")
	for _, c := range []struct {
		what, text string
		want       memory
	}{
		{"Linux 6.1", "MemTotal:         232904 kB\nMemFree:          150000 kB\nMemAvailable:     196000 kB\nBuffers:               0 kB\n", memory{232904 << 10, 196000 << 10, 0}},
		{"Linux 3.10, before MemAvailable", "MemTotal:          58000 kB\nMemFree:           40000 kB\n", memory{58000 << 10, 2, 0}},
		{"nothing", "", memory{1, 2, 0}},
		{"damaged", "\nMemTotal:\nMemAvailable: many kB\n", memory{1, 0, 0}},
	} {
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		b := &boot{memory: memory{1, 2, 0}} // from sysinfo(2)
		b.readMemory(file)
		if b.memory != c.want {
			t.Errorf("%s: got %v, want %v", c.what, b.memory, c.want)
		}
	}
}
