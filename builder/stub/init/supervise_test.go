//go:build linux

package main

import (
	"strings"
	"syscall"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// These boots are of the stub that supervises, in a namespace like those of
// boot_test.go. What reboot(2) does to a machine ends the first process there: a
// restart by SIGHUP, the others by SIGINT.

// supervised returns an image whose program is a script, in which $runs counts its
// starts.
func supervised(t *testing.T, onExit, script string) *image {
	t.Helper()
	img := newImage(t, "none", "echo >> /runs\nruns=$(busybox wc -l < /runs)\n"+script)
	img.plan.OnExit, img.plan.Delay = onExit, 10
	img.plan.Env = []string{"PATH=/bin"}
	img.plan.Mounts = []bootplan.Mount{{Type: "proc", Source: "proc", Target: "/proc", Options: ""}}
	return img
}

const bySignal = -1 // the exit code of what was ended by a signal

func TestSuperviseRestarts(t *testing.T) {
	img := supervised(t, "restart", `
busybox test $$ != 1 && busybox test $(busybox awk '{print $6}' /proc/$$/stat) = $$ && echo leads a session
echo "umask $(umask), arguments $*, $(busybox env | busybox grep -c SUPERVISE) foreign variables"
busybox grep SigBlk /proc/self/status
case $runs in
1) exit 3 ;;
2) kill -SEGV $$ ;;
3) kill -TERM 1; busybox sleep 60 ;;
esac
`)
	img.plan.Args = []string{"", "a b"}
	out := img.want(t, bySignal,
		"leads a session\numask 0022, arguments  a b, 0 foreign variables\nSigBlk:\t0000000000000000\n",
		"mkinitfs: /sbin/init exited with status 3 after ", "s; restarting in 10 ms\n",
		"mkinitfs: /sbin/init was ended by signal 11 after ", "s; restarting in 20 ms\n",
		"mkinitfs: signal 15: reboot\n",
	)
	if n := strings.Count(out, "leads a session"); n != 3 {
		t.Errorf("got %d starts, want 3", n)
	}
}

// Every orphan is reaped, and every signal of hundreds arrives, as long as the one
// before has.
func TestSuperviseSignals(t *testing.T) {
	supervised(t, "poweroff", `
got=0
trap 'got=$((got+1))' HUP QUIT WINCH
sent=0
while busybox test $sent -lt 300; do
	for signal in HUP QUIT WINCH; do
		(busybox true &)
		kill -$signal 1
		sent=$((sent+1))
		while busybox test $got -lt $sent; do :; done
	done
done
echo "got $got"
while busybox grep -q '^State:.*Z' /proc/[0-9]*/status; do :; done
echo no zombies
exit 0
`).want(t, bySignal, "got 300\n", "no zombies\n", "/sbin/init exited with status 0 after ")
}

// Where the stub cannot start itself once more it supervises as it is, and the program
// finds nothing open that is not its own.
func TestSuperviseWithoutSecondLife(t *testing.T) {
	needRoot(t, "filter system calls of the first process")
	faults, err := faultsProgram()
	if err != nil {
		t.Fatal(err)
	}
	img := supervised(t, "panic", "echo inherited $(cd /proc/$$/fd && echo 10[0-9])\nexit 0\n")
	img.plan.Extra, img.faults = "drop", "execve=exe=EACCES"
	img.extra = append(img.extra, newEntry("faults", syscall.S_IFREG|0o755, faults))
	img.want(t, 1, "mkinitfs: exec /proc/self/exe: permission denied\n", "inherited 10[0-9]\n", "/sbin/init exited with status 0 after ")
}

func TestSuperviseEnds(t *testing.T) {
	for _, c := range []struct {
		what, onExit, script string
		code                 int
		want                 []string
	}{
		{"panic", "panic", "exit 0", 1, []string{"/sbin/init exited with status 0 after "}},
		{"reboot", "reboot", "kill -KILL $$", bySignal, []string{"/sbin/init was ended by signal 9 after "}},
		{"what was asked for, not on_exit", "panic", "kill -USR2 1; busybox sleep 60", bySignal, []string{"signal 12: poweroff\n"}},
		{"the program's last words", "restart", "trap 'echo last words; exit' TERM; kill -INT 1; while :; do busybox sleep 1; done", bySignal, []string{"signal 2: reboot\nlast words\n"}},
		{"a stopped program", "restart", "trap 'echo awake; exit' TERM; kill -39 1; kill -STOP $$; while :; do :; done", bySignal, []string{"signal 39: reboot\n", "awake\n"}},
		{"one that cannot start", "panic", "", 1, []string{"/sbin/init did not start (no such file or directory) after "}},
	} {
		t.Run(c.what, func(t *testing.T) {
			img := supervised(t, c.onExit, c.script+"\n")
			if c.script == "" { // is found, and then hidden by what is mounted on it
				img.plan.Mounts = []bootplan.Mount{{Type: "tmpfs", Source: "tmpfs", Target: "/sbin"}}
			}
			img.want(t, c.code, c.want...)
		})
	}
}
