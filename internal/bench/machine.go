//go:build linux

package main

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// machine describes the machine of the measurement, and its load before.
func machine() string {
	model := runtime.GOARCH
	cpuinfo, _ := os.ReadFile("/proc/cpuinfo") // what cannot be read is not said
	if found := regexp.MustCompile(`(?m)^model name\s*: (.*)$`).FindSubmatch(cpuinfo); found != nil {
		model = string(found[1])
	}
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	load, _ := os.ReadFile("/proc/loadavg")
	busy, _, _ := strings.Cut(string(load), " ")
	return fmt.Sprintf("%s, %d CPUs (%s), Linux %s, %s, load %s at the beginning",
		time.Now().Format(time.DateOnly), runtime.NumCPU(), model, strings.TrimSpace(string(release)), runtime.Version(), busy)
}
