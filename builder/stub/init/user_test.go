//go:build linux

package main

import (
	"strings"
	"syscall"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// identity is shell for what a program can find out about its process.
const identity = `
echo "ids $(busybox id -u) $(busybox id -g) groups $(busybox id -G)"
echo "in $(busybox pwd) home $HOME"
busybox grep Cap[PE] /proc/$$/status
`

// userImage has a root of the given type whose program runs as a user in a directory that is
// missing.
func userImage(t *testing.T, root, script string) *image {
	img := newImage(t, "none", identity+script)
	img.plan.User = &bootplan.User{UID: 70001, GID: 70002, Home: "/home/app"}
	img.plan.Groups = []uint32{70002, 27}
	img.plan.Workdir = "/srv/app/data"
	img.plan.Env = []string{"PATH=/bin"}
	img.plan.Mounts = []bootplan.Mount{{Type: "proc", Source: "proc", Target: "/proc", Options: ""}}
	if img.plan.Root = root; root == "bind" {
		for _, entries := range img.root {
			img.extra = append(img.extra, entries...)
		}
		img.extra = img.extra[1:] // rootfs has its "." already
		img.root = nil
	}
	return img
}

const noCapabilities = "CapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"

func TestUser(t *testing.T) {
	for _, root := range []string{"tmpfs", "bind"} {
		t.Run(root, func(t *testing.T) {
			userImage(t, root, "busybox stat -c '%a %u:%g %n' /srv /srv/app /srv/app/data; exit 42\n").want(t, 42,
				"ids 70001 70002 groups 70002 27\n", "in /srv/app/data home /home/app\n", noCapabilities,
				"755 0:0 /srv\n755 0:0 /srv/app\n755 0:0 /srv/app/data\n")
		})
	}
}

// The supervisor stays root.
func TestUserSupervised(t *testing.T) {
	img := userImage(t, "tmpfs", "busybox grep Uid /proc/1/status\n")
	img.plan.OnExit = "panic"
	img.want(t, 1, "ids 70001 70002 groups 70002 27\n", "in /srv/app/data home /home/app\n", noCapabilities, "Uid:\t0\t0\t0\t0\n")
}

// Each start of a supervised program is in its directory, which is made again if it is gone. The
// supervisor itself is in /. (Only root may signal process 1.)
func TestUserSupervisedAgain(t *testing.T) {
	img := userImage(t, "tmpfs", `
echo "process 1 is in $(busybox readlink /proc/1/cwd)"
[ -e /again ] && { kill -TERM 1; busybox sleep 60; }
echo > /again; cd /; busybox rmdir /srv/app/data
`)
	img.plan.User, img.plan.Groups = &bootplan.User{}, []uint32{0, 27}
	img.plan.OnExit, img.plan.Delay = "restart", 10
	out := img.want(t, bySignal, "process 1 is in /\n")
	if n := strings.Count(out, "ids 0 0 groups 0 27\nin /srv/app/data home /\n"); n != 2 {
		t.Errorf("got %d starts in the directory, want 2", n)
	}
}

// A working directory that cannot be made ends the boot before anything is lost.
func TestWorkdirFails(t *testing.T) {
	for _, root := range []string{"tmpfs", "bind"} {
		for _, dir := range []string{"/etc/passwd", "/etc/passwd/x"} {
			img := userImage(t, root, "echo started\n")
			img.plan.Workdir = dir
			if out := img.want(t, 1, "mkinitfs: make the working directory: enter "+dir+": not a directory\n"); strings.Contains(out, "ids") {
				t.Errorf("%s: the program was started", dir)
			}
		}
	}
}

// A user who may not execute the program is an error, and what on_error says still happens as
// root.
func TestUserMayNotExecute(t *testing.T) {
	img := userImage(t, "tmpfs", "")
	img.root[3][0].Mode = syscall.S_IFREG | 0o700
	img.plan.OnError = "reboot" // only root may
	img.want(t, bySignal, "mkinitfs: start the program: exec /sbin/init: permission denied\nmkinitfs: hint: init.user has to be allowed to execute the program",
		"mkinitfs: reboot in 5 seconds\n")
}
