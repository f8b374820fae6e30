//go:build linux

package main

import (
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// TestBootAfterInit starts the stub from an init that has mounted what it likes. Its
// mounts are in the new root, once each, and what cannot be there is said.
func TestBootAfterInit(t *testing.T) {
	proc := bootplan.Mount{Type: "proc", Source: "proc", Target: "/proc", Options: "nosuid"}
	const mountProc = "mkdir /proc; mount -t proc outer /proc\n"
	for _, c := range []struct {
		what, init string
		mounts     []bootplan.Mount
		root       []entry
		log, want  []string // want is the mounts of the new root
	}{
		{
			"proc, sys and run", mountProc + "mkdir /sys /run; mount -t sysfs outer /sys; mount -t tmpfs outer /run\n",
			[]bootplan.Mount{proc, {Type: "sysfs", Source: "sysfs", Target: "/sys"}, {Type: "tmpfs", Source: "shm", Target: "/run/shm"}}, nil,
			[]string{"mkinitfs: mounts moved from rootfs: /proc /sys /run\n"},
			[]string{"/proc proc outer", "/sys sysfs outer", "/run tmpfs outer", "/run/shm tmpfs shm"},
		},
		{
			"shared", "mount --make-rshared /\n" + mountProc, []bootplan.Mount{proc}, nil,
			[]string{"mkinitfs: mounts moved from rootfs: /proc\n"}, []string{"/proc proc outer"},
		},
		{
			"one on the other", mountProc + "mkdir /run; mount -t tmpfs first /run; mount -t tmpfs second /run; mkdir /run/x; mount -t tmpfs x /run/x\n",
			[]bootplan.Mount{proc, {Type: "tmpfs", Source: "x", Target: "/run/x"}}, nil,
			[]string{"mkinitfs: mount on /run dropped: it is under another one\n", "mkinitfs: mounts moved from rootfs: /proc /run\n"},
			[]string{"/proc proc outer", "/run tmpfs second", "/run/x tmpfs x"},
		},
		{
			"a directory before the one around it", mountProc + "mkdir -p /a/b; mount -t tmpfs b /a/b; mount -t tmpfs a /a\n",
			nil, nil, nil, []string{"/proc proc outer", "/a tmpfs a", "/a/b tmpfs b"},
		},
		{
			"by a link of the new root", mountProc + "mkdir -p /run; mount -t tmpfs outer /run\n",
			[]bootplan.Mount{{Type: "tmpfs", Source: "again", Target: "/var/run"}},
			[]entry{newEntry("var", syscall.S_IFDIR|0o755, ""), newEntry("var/run", syscall.S_IFLNK|0o777, "/run")},
			nil, []string{"/proc proc outer", "/run tmpfs outer"},
		},
		{
			"where the new root has a link", mountProc + "mkdir -p /var/run; mount -t tmpfs outer /var/run\n",
			[]bootplan.Mount{{Type: "tmpfs", Source: "again", Target: "/run"}},
			[]entry{newEntry("var", syscall.S_IFDIR|0o755, ""), newEntry("var/run", syscall.S_IFLNK|0o777, "/run")},
			nil, []string{"/proc proc outer", "/run tmpfs outer"},
		},
		{
			"another type", "mkdir /dev/x; " + mountProc + "mount -t tmpfs outer /dev\n",
			[]bootplan.Mount{{Type: "devtmpfs", Source: "dev", Target: "/dev"}}, nil,
			[]string{"mkinitfs: mount devtmpfs on /dev left out: it has a tmpfs\n"}, []string{"/proc proc outer", "/dev tmpfs outer"},
		},
		{
			"a part of rootfs", mountProc + "mkdir /part /shows; echo text >/part/file; mount --bind /part /shows\n",
			[]bootplan.Mount{{Type: "tmpfs", Source: "mine", Target: "/shows"}}, nil,
			[]string{"mkinitfs: mount on /shows dropped: it shows a part of rootfs\n", "/part/file\n"},
			[]string{"/proc proc outer", "/shows tmpfs mine"},
		},
		{
			"in a directory of its own", mountProc + "mkdir -m 711 /data; mkdir /data/disk; mount -t tmpfs outer /data/disk\n",
			nil, nil, []string{"drwx--x--x", "/data\n"}, []string{"/proc proc outer", "/data/disk tmpfs outer"},
		},
		{
			"on a file", mountProc + "mkdir /run; mount -t tmpfs outer /run; touch /run/passwd /etc/passwd; mount --bind /run/passwd /etc/passwd\n",
			nil, nil, nil, []string{"/proc proc outer", "/run tmpfs outer", "/etc/passwd tmpfs outer"},
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			img := newImage(t, "none", `busybox find /part -type f
busybox ls -ld /data
echo begin
while read id parent dev of at options rest; do
	set -- $rest; while [ "$1" != - ]; do shift; done
	[ $at = / ] || echo $at $2 $3
done </proc/self/mountinfo
echo end
`)
			img.root[0] = append(img.root[0], c.root...)
			img.plan.Mounts = c.mounts
			img.plan.Boot = []string{"/before", "/bin/busybox"}
			img.rdinit = "/before"
			const script = "#!/bin/busybox sh\nset -e\nfor c in mkdir mount touch; do alias $c=\"/bin/busybox $c\"; done\n"
			img.extra = []entry{
				newEntry("before", syscall.S_IFREG|0o755, script+c.init+"exec /init \"$@\"\n"),
				newEntry("bin", syscall.S_IFDIR|0o755, ""), img.root[1][0], newEntry("etc", syscall.S_IFDIR|0o755, ""),
			}
			out := img.want(t, 0, c.log...)
			got := listing(t, out)
			slices.Sort(got)
			slices.Sort(c.want)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("mounts: -want +got\n%s", diff)
			}
		})
	}
}
