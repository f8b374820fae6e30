//go:build linux

package main

import (
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// send writes text on the console and waits until it is out. The kernel is
// silent meanwhile, so that its messages do not fall between.
func send(text []byte) {
	const consoleOff, consoleOn = 6, 7 // SYSLOG_ACTION_ of syslog(2)
	_, _ = unix.Klogctl(consoleOff, nil)
	defer unix.Klogctl(consoleOn, nil)

	port, err := serial()
	if err == nil {
		_, err = port.Write(text)
	}
	if err == nil {
		err = unix.IoctlSetInt(int(port.Fd()), unix.TCSBRK, 1) // tcdrain(3)
	}
	if err != nil {
		fmt.Println("guest: send:", err)
	}
}

// serial returns the standard output if that is a terminal. Otherwise there is no console, and
// it opens the first serial port of the machine with a node of its own.
func serial() (*os.File, error) {
	if _, err := unix.IoctlGetTermios(int(os.Stdout.Fd()), unix.TCGETS); err == nil {
		return os.Stdout, nil
	}
	device := unix.Mkdev(4, 64) // ttyS0, and ttysclp0 of s390x
	switch runtime.GOARCH {
	case "arm", "arm64":
		device = unix.Mkdev(204, 64) // ttyAMA0
	case "ppc64le":
		device = unix.Mkdev(229, 0) // hvc0
	}
	node := scratch + "/serial"
	if err := unix.Mknod(node, unix.S_IFCHR|0o600, int(device)); err != nil {
		return nil, err
	}
	return os.OpenFile(node, os.O_WRONLY|unix.O_NOCTTY, 0)
}
