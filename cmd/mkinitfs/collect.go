package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// collectLate keeps the garbage collector quiet until there are 32 MiB: most builds end
// before. What is more than that, entries and encoders, stays in use, so that from then
// on there is room for half as much garbage, and not for as much again. Who has set
// GOGC or GOMEMLIMIT knows better.
func collectLate() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(-1)
	usual := debug.SetMemoryLimit(32 << 20)
	// What nothing points to is cleaned up by the first collection.
	runtime.AddCleanup(new([64]byte), func(int) {
		debug.SetGCPercent(50)
		debug.SetMemoryLimit(usual)
	}, 0)
}
