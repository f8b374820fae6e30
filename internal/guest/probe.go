//go:build linux

package main

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// probeWord makes this program say whether pivot_root(2) works, from any process of a guest,
// and power the guest off.
const probeWord = "try-pivot-root"

func probe() int {
	cmdline, err := os.ReadFile("/proc/cmdline")
	word := nonce(string(cmdline))
	if err != nil || word == "" {
		fmt.Fprintln(os.Stderr, "guest: no nonce on the kernel's command line: it would power off this machine")
		return 1
	}
	result := "ok"
	if err := os.Mkdir(scratch, 0o700); err != nil {
		result = err.Error()
	} else if err := pivot(); err != nil {
		result = err.Error()
	}
	fmt.Printf("\n%s: process 1 runs %q: %s\n", word, processOne(), result)
	unix.Sync()
	fmt.Println("guest: power off:", unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF))
	return 1
}

// processOne returns the command line of process 1, in words.
func processOne() string {
	text, err := os.ReadFile("/proc/1/cmdline")
	if err != nil {
		return err.Error()
	}
	for i, c := range text {
		if c == 0 {
			text[i] = ' '
		}
	}
	return string(text)
}
