package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const variable = "MKINITFS_CACHE"

// Top returns the directory that all of mkinitfs's caches are in: the one that the
// variable MKINITFS_CACHE names, else the default, mkinitfs in the user's cache
// directory. It is "" if the user has none. Variables are looked up by lookup.
func Top(lookup func(name string) (string, bool)) string {
	if dir, _ := lookup(variable); dir != "" {
		return dir
	}
	return byDefault(lookup)
}

// byDefault is mkinitfs in the directory that the XDG Base Directory Specification has for
// caches, which is absolute.
func byDefault(lookup func(name string) (string, bool)) string {
	if dir, _ := lookup("XDG_CACHE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "mkinitfs")
	} else if home, _ := lookup("HOME"); dir == "" && home != "" {
		return filepath.Join(home, ".cache", "mkinitfs")
	}
	return ""
}

// In returns the directory of this name in top, and makes both. Where top is the
// default, both have to be the user's own, and nobody else may write there: else
// somebody could plant what an image is made of. Any other top was named by the user,
// who vouches for it, unless everybody may write there.
//
// After an error nothing is kept. The error gives the reason and a remedy.
func In(top, name string) (Dir, error) {
	if top == "" {
		return Dir{}, errors.New("the user has no cache directory, as neither XDG_CACHE_HOME nor HOME says where\n  set HOME, or name a directory by " + variable + "=DIR")
	}
	path := filepath.Join(top, name)
	if err := os.MkdirAll(path, 0o700); err != nil {
		return Dir{}, err
	}
	own := filepath.Clean(top) == byDefault(os.LookupEnv)
	for _, dir := range []string{top, path} {
		info, err := os.Stat(dir)
		if err != nil {
			return Dir{}, err
		}
		if own {
			err = closed(info)
		} else if info.Mode()&0o002 != 0 {
			err = errEverybody
		}
		if err != nil {
			return Dir{}, fmt.Errorf("%s: %w (its mode is %04o)\n"+
				"  make it yours alone (chown, chmod go-w), or name another directory by %s=DIR", dir, err, info.Mode().Perm(), variable)
		}
	}
	const write = 2 // access(2)
	if err := syscall.Access(path, write); err != nil {
		return Dir{}, &fs.PathError{Op: "write to", Path: path, Err: err}
	}
	return Dir{path, own}, nil
}

var (
	errEverybody = errors.New("everybody may write there")
	errOthers    = errors.New("others than its owner may write there")
)

// closed returns an error that says who else can change a file or directory, nil if nobody
// can.
func closed(info fs.FileInfo) error {
	owner := info.Sys().(*syscall.Stat_t).Uid
	switch {
	case int(owner) != os.Geteuid():
		return fmt.Errorf("it belongs to user %d, not to user %d", owner, os.Geteuid())
	case info.Mode()&0o002 != 0:
		return errEverybody
	case info.Mode()&0o020 != 0:
		return errOthers
	}
	return nil
}
