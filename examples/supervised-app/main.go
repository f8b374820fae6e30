//go:build linux

// Command app is the userland of the example. Its first run crashes; the second is
// asked to end, in the way that a shutdown asks for it, and does so in order.
package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	const crashed = "/run/crashed"
	fmt.Printf("app: process %d, child of process %d\n", os.Getpid(), os.Getppid())
	if _, err := os.Stat(crashed); err != nil {
		if err := os.WriteFile(crashed, nil, 0o600); err != nil {
			fmt.Println("app:", err)
		}
		panic("the first run crashes")
	}

	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM)
	if os.Getppid() == 1 { // what the command poweroff of busybox does
		syscall.Kill(1, syscall.SIGUSR2)
	}
	fmt.Println("app: asked to end:", <-asked)
}
