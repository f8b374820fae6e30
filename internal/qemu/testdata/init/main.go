// The init of the test images. Words the kernel does not know reach it as
// arguments; the first says how to end.
package main

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

func main() {
	fmt.Println("hello from process", os.Getpid())
	switch os.Args[1] {
	case "poweroff":
		syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
	case "echo":
		var word string
		for word != "two" {
			fmt.Scan(&word)
			fmt.Println("got", word)
		}
		syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
	case "exit":
		os.Exit(1)
	case "hang":
		time.Sleep(time.Hour)
	}
}
