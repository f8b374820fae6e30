// Package fakeroot detects programs that pretend other owners, modes and types of files.
package fakeroot

import (
	"path"
	"strings"
)

// Pretender returns the name of the program that pretends other owners, modes and types of
// files to its children, or "". fakeroot and pseudo use a library in LD_PRELOAD. It does not
// reach static programs such as mkinitfs, which see the disk as it is.
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
