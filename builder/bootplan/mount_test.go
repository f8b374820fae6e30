//go:build linux

package bootplan

import (
	"syscall"
	"testing"
)

func TestMountOptions(t *testing.T) {
	for _, c := range []struct {
		options string
		flags   uintptr
		data    string
		again   uintptr // flags of the second step, 0 for none
	}{
		{"", 0, "", 0},
		{"defaults", 0, "", 0},
		{"rw,suid,dev,exec,async,atime", 0, "", 0},
		{"nosuid,nodev,noexec", syscall.MS_NOSUID | syscall.MS_NODEV | syscall.MS_NOEXEC, "", 0},
		{"mode=0755,nosuid", syscall.MS_NOSUID, "mode=0755", 0},
		{"mode=0620,ro,gid=5,sync,ptmxmode=0666", syscall.MS_RDONLY | syscall.MS_SYNCHRONOUS, "mode=0620,gid=5,ptmxmode=0666", 0},
		{"bind", syscall.MS_BIND, "", 0},
		{"rbind", syscall.MS_BIND | syscall.MS_REC, "", 0},
		{"rbind,ro", syscall.MS_BIND | syscall.MS_REC | syscall.MS_RDONLY, "", syscall.MS_REMOUNT | syscall.MS_BIND | syscall.MS_RDONLY},
		{"rox,size=ro", 0, "rox,size=ro", 0},
		{"size=1M,rw,nr_inodes=7", 0, "size=1M,nr_inodes=7", 0},
	} {
		flags, data := MountOptions(c.options)
		if flags != c.flags || data != c.data {
			t.Errorf("%q: got %#x, %q, want %#x, %q", c.options, flags, data, c.flags, c.data)
		}
		if again, needed := BindFlags(flags); needed != (c.again != 0) || needed && again != c.again {
			t.Errorf("%q: got %#x, %v for the second step, want %#x", c.options, again, needed, c.again)
		}
	}
}
