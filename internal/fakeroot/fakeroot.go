// Package fakeroot finds out whether a program pretends to others what files are like.
package fakeroot

import (
	"path"
	"strings"
)

// Pretender returns the name of the program that pretends to this one that files have
// other owners, modes and types, or "". fakeroot and pseudo do that by a library that
// LD_PRELOAD names, which reaches no static program: it sees the disk as it is.
func Pretender(lookup func(name string) (string, bool)) string {
	preload, _ := lookup("LD_PRELOAD")
	for _, library := range strings.FieldsFunc(preload, func(r rune) bool { return r == ' ' || r == ':' }) {
		switch name := path.Base(library); {
		case strings.HasPrefix(name, "libfakeroot"):
			return "fakeroot"
		case strings.HasPrefix(name, "libpseudo") && !pseudoOff(lookup):
			return "pseudo"
		}
	}
	return ""
}

// pseudoOff reports whether pseudo leaves programs alone: PSEUDO_DISABLED is a boolean
// and PSEUDO_UNLOAD is there or not (pseudo_client.c).
func pseudoOff(lookup func(name string) (string, bool)) bool {
	disabled, _ := lookup("PSEUDO_DISABLED")
	_, unloaded := lookup("PSEUDO_UNLOAD")
	return unloaded || disabled != "" && !strings.ContainsAny(disabled[:1], "0fFnN")
}
