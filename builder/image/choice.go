package image

import (
	"os"
	"strings"
)

// Chosen is a file with the name of the ramdisk to read in it, "" for the one that the boot
// loader takes.
type Chosen struct {
	*os.File
	Name string
}

// Ramdisk returns the name.
func (c Chosen) Ramdisk() string { return c.Name }

// SplitChoice splits FILE@NAME, by the last @ that has the name of a file before it. A file
// that is called like all of it wins. Without a choice the name is "".
func SplitChoice(arg string) (file, ramdisk string) {
	if _, err := os.Stat(arg); err == nil {
		return arg, ""
	}
	for at := strings.LastIndexByte(arg, '@'); at > 0; at = strings.LastIndexByte(arg[:at], '@') {
		if info, err := os.Stat(arg[:at]); err == nil && !info.IsDir() {
			return arg[:at], arg[at+1:]
		}
	}
	return arg, ""
}
