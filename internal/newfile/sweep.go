package newfile

import (
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	infix    = ".new-"
	digits   = 8
	minStale = 24 * time.Hour // age of a leftover before it is removed
)

// leftoverName is the name that a file has beside its target before it replaces it.
func leftoverName(base string, n uint32) string {
	return fmt.Sprintf(".%s%s%0*x", base, infix, digits, n)
}

// targetOf returns the target of a leftover, "" for any other name.
func targetOf(name string) string {
	at := len(name) - digits - len(infix)
	if at < 2 || name[0] != '.' || name[at:at+len(infix)] != infix || strings.Trim(name[at+len(infix):], "0123456789abcdef") != "" {
		return ""
	}
	return name[1:at]
}

// Sweep removes the leftovers of target. It has no errors: what it cannot remove stays.
func Sweep(target string) {
	base := target[strings.LastIndexByte(target, '/')+1:]
	sweep(dirOf(target), func(of string) bool { return of == base })
}

// SweepDir removes the leftovers of all targets in a directory.
func SweepDir(dir string) { sweep(dir+"/", func(string) bool { return true }) }

func sweep(dir string, wanted func(target string) bool) {
	d, err := os.Open(dir)
	if err != nil {
		return
	}
	defer d.Close()
	names, _ := d.Readdirnames(-1)
	for _, name := range names {
		if target := targetOf(name); target != "" && wanted(target) {
			removeStale(int(d.Fd()), name)
		}
	}
}

// removeStale removes a leftover that is old and whose maker is gone.
func removeStale(dir int, name string) {
	var st unix.Stat_t
	err := unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW)
	if err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || time.Since(time.Unix(st.Mtim.Unix())) < minStale {
		return
	}
	// NFS locks exclusively what is open for writing only.
	fd, err := unix.Openat(dir, name, unix.O_RDWR|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	if unix.Flock(fd, unix.LOCK_EX|unix.LOCK_NB) == nil {
		unix.Unlinkat(dir, name, 0)
	}
}

// Unfinished reports whether a file of this name is a new file that is not yet in its
// place, or a leftover.
func Unfinished(name string) bool { return targetOf(name) != "" }
