package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// leaving is an init that switches to another root with the program that the kernel's command
// line names.
const leaving = `#!/bin/sh
mkdir /new
mount -t tmpfs tmpfs /new
mkdir /new/bin /new/dev /new/sbin
cp /bin/busybox /new/bin/busybox
cp -a /dev/console /new/dev
cp /last /new/sbin/init
case $leave in
busybox) exec switch_root /new /sbin/init ;;
klibc) exec /usr/lib/klibc/bin/run-init -c /dev/console /new /sbin/init ;;
esac
`

const last = `#!/bin/busybox sh
/bin/busybox ls /
echo @@ over by $leave
/bin/busybox poweroff -f
`

// TestBootLeave boots roots that are left for another root, such as one on a disk. busybox's
// switch_root empties only a file system that has a program at /init.
func TestBootLeave(t *testing.T) {
	t.Parallel()
	busybox, klibc := testenv.Busybox(t, "amd64"), testenv.Klibc(t)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "leaving"), []byte(leaving))
	writeFile(t, filepath.Join(dir, "last"), []byte(last))
	for _, root := range []string{"tmpfs", "bind"} {
		t.Run(root, func(t *testing.T) {
			img, _ := buildImage(t, fmt.Sprintf(`version: 1
arch: amd64
root: {type: %s}
contents:
  - {type: file, src: %q, dst: /bin/busybox, mode: 0755, links: [/bin/sh, /bin/mkdir, /bin/mount, /bin/cp, /bin/switch_root]}
  - {type: file, src: %q, dst: /sbin/init, mode: 0755}
  - {type: file, src: %q, dst: /last, mode: 0755}
  - {type: tree, src: %q, dst: /}
`, root, busybox, filepath.Join(dir, "leaving"), filepath.Join(dir, "last"), klibc))
			for _, program := range []string{"busybox", "klibc"} {
				result := boot(t, img, qemu.Machine{Append: "leave=" + program})
				if err := result.Err(); err != nil || !bytes.Contains(result.Output, []byte("@@ over by "+program)) {
					t.Errorf("%s: got error %v, want the next root:\n%s", program, err, result.Output)
				}
			}
		})
	}
}
