package xattr

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestStorable(t *testing.T) {
	for name, want := range map[string]bool{
		"user.a": true, "trusted.overlay.opaque": true, Capability: true, SELinux: true, ACL: true, DefaultACL: true,
		"user.": false, "user": false, "": false, "system.nfs4_acl": false, "btrfs.compression": false, "system.posix_acl_": false,
	} {
		if got := Storable(name); got != want {
			t.Errorf("%q: got %v, want %v", name, got, want)
		}
	}
}

// TestTakes asks the kernel for the attributes that anybody may set.
func TestTakes(t *testing.T) {
	dir := t.TempDir()
	file, link, fifo := filepath.Join(dir, "file"), filepath.Join(dir, "link"), filepath.Join(dir, "fifo")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("file", link); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := unix.Lsetxattr(file, "user.a", []byte("1"), 0); err != nil {
		t.Skip("this file system stores no user attributes:", err)
	}
	for _, path := range []string{file, link, fifo, dir} {
		var info unix.Stat_t
		if err := unix.Lstat(path, &info); err != nil {
			t.Fatal(err)
		}
		err := unix.Lsetxattr(path, "user.a", []byte("1"), 0)
		if got, want := Takes(info.Mode, "user.a"), err == nil; got != want {
			t.Errorf("user.a on %s: got %v, the kernel says %v", path, got, err)
		}
	}
	for _, test := range []struct {
		mode uint32
		name string
		want bool
	}{
		{typeFile, Capability, true}, {typeDir, Capability, false}, {typeLink, Capability, false},
		{typeLink, ACL, false}, {typeDir, DefaultACL, true}, {typeLink, SELinux, true}, {0o010000, "trusted.a", true},
	} {
		if got := Takes(test.mode|0o644, test.name); got != test.want {
			t.Errorf("%s on %o: got %v, want %v", test.name, test.mode, got, test.want)
		}
	}
}
