package main

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// supervisedManifest returns a manifest with a script as its program. $runs counts the runs.
func supervisedManifest(t *testing.T, script string, lines ...string) string {
	t.Helper()
	script = "#!/bin/sh\necho >> /runs; runs=$(busybox wc -l < /runs)\n" + script
	return strings.Join(append([]string{`version: 1
contents:
  - {type: file, src: "` + testenv.Tool(t, "busybox") + `", dst: /bin/busybox, links: [/bin/sh]}
  - {type: file, dst: /app, mode: 0755, content: ` + strconv.Quote(script) + `}`,
	}, lines...), "\n")
}

const superviseInit = "init: {exec: /app, env: {PATH: /bin}, mounts: [dev, proc], supervise: {on_exit: restart, restart_delay: 100ms}}"

// TestBootSupervise boots a program that crashes, leaves orphans, is sent signals and does
// not end. The stub stays small meanwhile.
func TestBootSupervise(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	img, _ := buildImage(t, supervisedManifest(t, `
got=0
trap 'got=$((got+1))' HUP
trap '' TERM
case $runs in
1)
	busybox stty -F /dev/tty >/dev/null && echo "terminal $(busybox tty)"
	echo "ctrl-alt-del $(busybox cat /proc/sys/kernel/ctrl-alt-del)"
	while busybox test $got -lt 200; do
		(busybox true &)
		next=$((got+1))
		kill -HUP 1
		while busybox test $got -lt $next; do :; done
	done
	echo "signals $got"
	while busybox grep -q '^State:.*Z' /proc/[0-9]*/status; do :; done
	echo no zombies
	busybox grep VmRSS /proc/1/status
	exit 7 ;;
2)
	kill -SEGV $$ ;;
3)
	busybox reboot
	while :; do busybox sleep 1; done ;;
esac
`, superviseInit))
	result := boot(t, img, qemu.Machine{CPUs: 2})
	if err := result.Err(); err != nil {
		t.Error(err)
	}
	log := string(result.Output)
	wantLines(t, log, "terminal /dev/console", "ctrl-alt-del 0", "signals 200", "no zombies",
		"mkinitfs: /app exited with status 7 after ", "; restarting in 100 ms",
		"mkinitfs: /app was ended by signal 11 after ", "; restarting in 200 ms",
		"mkinitfs: signal 15: reboot", "mkinitfs: /app does not end by SIGTERM; it is killed", "reboot: Restarting system")
	wantSmall(t, log)
}

// wantSmall checks that the first process holds 3 MiB at most.
func wantSmall(t *testing.T, log string) {
	t.Helper()
	m := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindStringSubmatch(log)
	if m == nil {
		t.Fatalf("got no VmRSS:\n%s", log)
	}
	if kib, _ := strconv.Atoi(m[1]); kib > 3<<10 {
		t.Errorf("got %d KiB resident, want 3072 at most", kib)
	}
	t.Logf("%s KiB resident", m[1])
}

func wantLines(t *testing.T, log string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(log, w) {
			t.Errorf("got no %q, want it", w)
		}
	}
	if t.Failed() {
		t.Logf("%s", log)
	}
}

// TestBootSuperviseHalt boots a program that halts the machine. The machine stays on.
func TestBootSuperviseHalt(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	img, _ := buildImage(t, supervisedManifest(t, "trap 'echo last words; exit' TERM\nbusybox halt\nwhile :; do busybox sleep 1; done\n", superviseInit, "root: {type: bind}"))
	result := boot(t, img, qemu.Machine{Expect: regexp.MustCompile("reboot: System halted")})
	if err := result.Err(); err != nil {
		t.Error(err)
	}
	wantLines(t, string(result.Output), "last words", "mkinitfs: signal 10: halt")
}

// TestBootSuperviseExample boots the example, which powers the machine off.
func TestBootSuperviseExample(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	img := filepath.Join(t.TempDir(), "app.img")
	manifest := filepath.Join(repository(t), "examples/supervised-app/supervised-app.yaml")
	if out, err := exec.Command(commandPath(t), "build", manifest, "-o", img).CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	result := boot(t, img, qemu.Machine{})
	if err := result.Err(); err != nil {
		t.Error(err)
	}
	wantLines(t, string(result.Output), "child of process 1", "panic: the first run crashes",
		"mkinitfs: /app exited with status 2 after ", "mkinitfs: signal 12: poweroff", "app: asked to end: terminated", "reboot: Power down")
}

// TestBootSuperviseMatrix boots the other ways to end, and other machines.
func TestBootSuperviseMatrix(t *testing.T) {
	t.Parallel()
	testenv.Matrix(t)
	loop := "\nwhile :; do busybox sleep 1; done\n"
	for _, test := range []struct {
		what, script, onExit string
		want                 string
		panics               bool
	}{
		{"ctrl-alt-del", "kill -INT 1" + loop, "restart", "reboot: Restarting system", false},
		{"poweroff", "busybox poweroff" + loop, "restart", "reboot: Power down", false},
		{"systemd's signal", "kill -38 1" + loop, "restart", "reboot: Power down", false},
		{"on_exit: reboot", "exit 0\n", "reboot", "reboot: Restarting system", false},
		{"on_exit: poweroff", "exit 0\n", "poweroff", "reboot: Power down", false},
		{"on_exit: panic", "exit 0\n", "panic", "Attempted to kill init! exitcode=0x00000100", true},
	} {
		t.Run(test.what, func(t *testing.T) {
			t.Parallel()
			init := strings.Replace(superviseInit, "{on_exit: restart, restart_delay: 100ms}", "{on_exit: "+test.onExit+"}", 1)
			img, _ := buildImage(t, supervisedManifest(t, test.script, init))
			result := boot(t, img, qemu.Machine{})
			if err := result.Err(); (err != nil) != test.panics {
				t.Error(err)
			}
			wantLines(t, string(result.Output), test.want)
		})
	}
	for _, kernel := range []string{"amd64-sid", "mipsle", "arm64", "s390x"} {
		t.Run(kernel, func(t *testing.T) {
			t.Parallel()
			arch := strings.TrimSuffix(kernel, "-sid")
			m := qemu.Machine{Arch: arch, Kernel: testenv.Kernel(t, kernel)}
			if err := m.Runnable(); err != nil {
				testenv.Missing(t, "%v", err)
			}
			manifest := filepath.Join(repository(t), "examples/supervised-app/supervised-app.yaml")
			img := filepath.Join(t.TempDir(), "app.img")
			if out, err := exec.Command(commandPath(t), "build", manifest, "--arch", arch, "-o", img).CombinedOutput(); err != nil {
				t.Fatalf("build: %v\n%s", err, out)
			}
			result := boot(t, img, m)
			if err := result.Err(); err != nil {
				t.Error(err)
			}
			wantLines(t, string(result.Output), "mkinitfs: /app exited with status 2 after ", ": poweroff", "app: asked to end: terminated")
		})
	}
}
