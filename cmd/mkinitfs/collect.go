package main

import (
	"runtime"
	"runtime/debug"
)

// collectLate turns the garbage collector off up to a heap of 32 MiB, which most builds do
// not reach. Above that, most of the heap is live, so GOGC=50. GOGC and GOMEMLIMIT in the
// environment take precedence.
func (e environment) collectLate() {
	percent, _ := e.lookup("GOGC")
	limit, _ := e.lookup("GOMEMLIMIT")
	if !e.own || percent != "" || limit != "" {
		return
	}
	debug.SetGCPercent(-1)
	usual := debug.SetMemoryLimit(32 << 20)
	// The first collection runs this: nothing points to the object.
	runtime.AddCleanup(new([64]byte), func(int) {
		debug.SetGCPercent(50)
		debug.SetMemoryLimit(usual)
	}, 0)
}

// collectSeldom lets the heap grow further before a collection. It is for a command that
// makes all its garbage at the start: collecting that would take a good part of its time.
func (e environment) collectSeldom() {
	if e.own {
		debug.SetGCPercent(400)
	}
}
