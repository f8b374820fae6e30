package main

import (
	"strconv"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// processManifest returns a manifest with users and with a script as its program.
func processManifest(t *testing.T, script string, lines ...string) string {
	t.Helper()
	return strings.Join(append([]string{`version: 1
contents:
  - {type: file, src: "` + testenv.Tool(t, "busybox") + `", dst: /bin/busybox, links: [/bin/sh]}
  - {type: file, dst: /app, mode: 0755, content: ` + strconv.Quote("#!/bin/sh\n"+script+"\n") + `}
  - {type: file, dst: /etc/passwd, content: "root:x:0:0::/root:/bin/sh\napp:x:1000:100::/home/app:/bin/sh\n"}
  - {type: file, dst: /etc/group, content: "root:x:0:\nvideo:x:44:app\naudio:x:29:root\n"}
  - {type: dir, dst: /srv/own, mode: 0700}`,
	}, lines...), "\n")
}

// reportProcess is shell that prints who a process is, where it is and what it has.
const reportProcess = `
echo "ids $(busybox id -u):$(busybox id -g) groups $(busybox id -G) in $(busybox pwd) home $HOME"
echo "directory $(busybox stat -c '%a %u:%g' .), console $(busybox stat -c '%u:%g' /dev/console)"
busybox grep Cap[PEA] /proc/self/status
echo again > /dev/console
busybox mount -t tmpfs none /srv 2>&1 || echo cannot mount
`

const processInit = "init: {exec: /app, env: {PATH: /bin}, mounts: [dev, proc], user: app, workdir: /srv/new/dir}"

// asUser is what reportProcess prints under processInit.
var asUser = []string{
	"ids 1000:100 groups 100 44 in /srv/new/dir home /home/app\n", "directory 755 0:0, console 1000:0\n",
	"CapPrm:\t0000000000000000\n", "CapEff:\t0000000000000000\n", "CapAmb:\t0000000000000000\n", "again\n", "cannot mount\n",
}

// TestBootProcess boots a program that is a user's. As process 1 it can only end the machine by a
// panic.
func TestBootProcess(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	img, _ := buildImage(t, processManifest(t, reportProcess+"exit 7", processInit))
	result := boot(t, img, qemu.Machine{})
	wantLines(t, string(result.Output), append(asUser, "Attempted to kill init! exitcode=0x00000700")...)
}

// TestBootProcessMatrix boots the other root, the supervisor, a rescue, a program that the user
// may not execute, and machines whose system calls differ.
func TestBootProcessMatrix(t *testing.T) {
	t.Parallel()
	testenv.Matrix(t)
	asRoot := []string{"ids 0:0 groups 0 in / home /\n", "console 0:0\n", "reboot: Power down"}
	ends := append(asUser, "exitcode=0x00000700")
	supervised := strings.Replace(processInit, "user:", "supervise: {on_exit: poweroff}, user:", 1)
	for _, test := range []struct {
		what, kernel, busybox string // busybox is an architecture, as dpkg calls it
		init, root, append    string
		want                  []string
	}{
		{"bind", "amd64", "amd64", processInit, "bind", "", ends},
		{"supervised", "amd64", "amd64", supervised, "tmpfs", "", append(asUser, "mkinitfs: /app exited with status 7 after ", "reboot: Power down")},
		{"rescue", "amd64", "amd64", processInit, "tmpfs", "init=/rescue", asRoot},
		{"rescue, supervised", "amd64", "amd64", supervised, "bind", "init=/rescue", asRoot},
		{"not executable", "amd64", "amd64", strings.Replace(processInit, "/app", "/rescue", 1) + "\npermissions: [{path: /rescue, mode: 0700}]", "tmpfs", "mkinitfs.on_error=poweroff",
			[]string{"mkinitfs: start the program: exec /rescue: permission denied\n", "mkinitfs: hint: init.user has to be allowed", "reboot: Power down"}},
		{"7.x", "amd64-sid", "amd64", processInit, "tmpfs", "", ends},
		{"386", "386", "i386", processInit, "tmpfs", "", ends},
		{"arm", "arm", "armhf", processInit, "tmpfs", "", ends},
		{"mipsle", "mipsle", "mipsel", processInit, "tmpfs", "", ends},
		{"s390x", "s390x", "s390x", processInit, "tmpfs", "", ends},
	} {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			arch, _, _ := strings.Cut(test.kernel, "-")
			m := qemu.Machine{Arch: arch, Kernel: testenv.Kernel(t, test.kernel), Append: test.append}
			if err := m.Runnable(); err != nil {
				testenv.Missing(t, "%v", err)
			}
			lines := []string{test.init, "root: {type: " + test.root + "}", "arch: " + arch}
			manifest := processManifest(t, reportProcess+"exit 7", lines...)
			manifest = strings.ReplaceAll(manifest, testenv.Tool(t, "busybox"), testenv.Busybox(t, test.busybox))
			rescue := "  - {type: file, dst: /rescue, mode: 0755, content: " + strconv.Quote("#!/bin/sh\n"+reportProcess+"busybox poweroff -f\n") + "}\n"
			manifest = strings.Replace(manifest, "contents:\n", "contents:\n"+rescue, 1)
			img, _ := buildImage(t, manifest)
			wantLines(t, string(boot(t, img, m).Output), test.want...)
		})
	}
}
