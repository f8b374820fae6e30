//go:build linux

// Command hello is the userland of the example: it says where it is and switches
// the machine off.
package main

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

func main() {
	motd, err := os.ReadFile("/etc/motd")
	if err != nil {
		fmt.Println("hello:", err)
	}
	fmt.Printf("hello from process %d, %s: %s\n", os.Getpid(), strings.Join(os.Args, " "), strings.TrimSpace(string(motd)))
	if os.Getpid() == 1 {
		syscall.Sync()
		syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
	}
}
