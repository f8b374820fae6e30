//go:build race

package testenv

// race tells whether the race detector is compiled in.
const race = true
