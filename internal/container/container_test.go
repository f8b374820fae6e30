//go:build linux

package container

import (
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseSubordinate(t *testing.T) {
	const text = "root:1:9\nada:100000:65536\n1000:300000:10\nadam:5:5\n\nbad:line\nhalf:1:x\n"
	both := []idRange{{0, 77, 1}, {1, 100000, 65536}, {65537, 300000, 10}}
	tests := []struct {
		name, uid string
		want      []idRange
		err       string
	}{
		{"ada", "1000", both, ""},
		{"1000", "1000", []idRange{{0, 77, 1}, {1, 300000, 10}}, ""}, // a user without a name
		{"eve", "1001", nil, ""},
		{"bad", "1002", nil, `line "bad:line": want user:first:count`},
		{"half", "1003", nil, `line "half:1:x": strconv.ParseUint: parsing "x": invalid syntax`},
	}
	for _, test := range tests {
		got, err := parseSubordinate(text, test.name, test.uid, 77)
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(idRange{})); diff != "" {
			t.Errorf("%s: -want +got\n%s", test.name, diff)
		}
		if msg := message(err); msg != test.err {
			t.Errorf("%s: got error %q, want %q", test.name, msg, test.err)
		}
	}
}

func TestMinds(t *testing.T) {
	// SIGHUP is 1, SIGINT 2, SIGQUIT 3, SIGTERM 15.
	const status = "Name:\tsh\nSigPnd:\t0000000000004000\nSigBlk:\t0000000000000004\nSigIgn:\t0000000000000001\nSigCgt:\t0000000000000002\n"
	for sig, want := range map[syscall.Signal]bool{
		syscall.SIGHUP: true, syscall.SIGINT: true, syscall.SIGQUIT: true, syscall.SIGTERM: false,
	} {
		if got := minds(status, sig); got != want {
			t.Errorf("%v: got %v, want %v", sig, got, want)
		}
	}
}

func TestExitStatus(t *testing.T) {
	// A wait status holds the signal in its low bits, else the exit status above them.
	tests := []struct {
		wait   syscall.WaitStatus
		killed syscall.Signal
		want   int
	}{
		{0, 0, 0},
		{7 << 8, 0, 7},
		{7 << 8, syscall.SIGTERM, 7},
		{syscall.WaitStatus(syscall.SIGSEGV), 0, 139},
		{syscall.WaitStatus(syscall.SIGKILL), 0, 137},
		{syscall.WaitStatus(syscall.SIGKILL), syscall.SIGTERM, 143},
		{syscall.WaitStatus(syscall.SIGINT), 0, 0}, // reboot(2): power off
		{syscall.WaitStatus(syscall.SIGHUP), 0, 0}, // reboot(2): restart
	}
	for _, test := range tests {
		if got := exitStatus(test.wait, test.killed); got != test.want {
			t.Errorf("wait status %#x, killed for %v: got %d, want %d", test.wait, test.killed, got, test.want)
		}
	}
}

func TestWithout(t *testing.T) {
	if got, want := without("mode=0620,gid=5,ptmxmode=0666", "gid"), "mode=0620,ptmxmode=0666"; got != want {
		t.Errorf("got %q without gid, want %q", got, want)
	}
}

func message(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
