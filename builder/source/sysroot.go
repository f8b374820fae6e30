package source

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/internal/elfdeps"
	"github.com/mkinitfs/mkinitfs/internal/follow"
)

// sysroot is a directory of the host that is laid out like a root. Paths in it lead through its
// symbolic links and not out of it.
type sysroot struct {
	dir    string
	job    *job
	inputs map[string]bool // directories that count as input already
}

func newSysroot(dir string, j *job) (*sysroot, error) {
	info, err := os.Stat(dir)
	if inner := (*fs.PathError)(nil); errors.As(err, &inner) {
		err = inner.Err
	}
	if err == nil && !info.IsDir() {
		err = unix.ENOTDIR
	}
	return &sysroot{dir: dir, job: j, inputs: map[string]bool{}}, err
}

// host returns the path on the host of a place in the sysroot.
func (s *sysroot) host(place string) string { return filepath.Join(s.dir, filepath.FromSlash(place)) }

// link returns the target of the symbolic link at a place, if one is there.
func (s *sysroot) link(place string) (target string, ok bool) {
	target, err := os.Readlink(s.host(place))
	if err == nil {
		s.input(path.Dir(place))
	}
	return target, err == nil
}

// follow returns where a path leads. The error is [fs.ErrNotExist] for a path through too many
// links.
func (s *sysroot) follow(name string) (place string, err error) {
	place, err = follow.Walk(name, func(place string, _ bool) (string, bool, error) {
		target, ok := s.link(place)
		return target, ok, nil
	})
	if err != nil {
		err = fs.ErrNotExist
	}
	return place, err
}

// Open opens the regular file that a path leads to.
func (s *sysroot) Open(name string) (elfdeps.File, string, error) {
	place, err := s.follow(name)
	if err != nil {
		return nil, "", err
	}
	s.input(path.Dir(place))
	f, err := os.OpenFile(s.host(place), os.O_RDONLY|unix.O_NONBLOCK, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ENAMETOOLONG), errors.Is(err, unix.ENXIO):
		return nil, "", fs.ErrNotExist
	case err != nil:
		return nil, "", err
	}
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		f.Close()
		return nil, "", fs.ErrNotExist
	}
	return f, place, nil
}

// List returns the names in a directory.
func (s *sysroot) List(name string) ([]string, string) {
	place, err := s.follow(name)
	if err != nil {
		return nil, ""
	}
	s.input(place)
	entries, err := os.ReadDir(s.host(place))
	if err != nil {
		return nil, ""
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	slices.Sort(names)
	return names, place
}

// input counts the directory at a place as input, or the nearest one above that exists.
func (s *sysroot) input(place string) {
	if !s.inputs[place] {
		s.inputs[place] = true
		s.job.inputAbove(s.host(path.Join(place, "x")))
	}
}
