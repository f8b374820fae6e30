//go:build linux

package image

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/internal/xattr"
)

// stages are the directories in which entries are completed before they are renamed into
// directories that others can write to. Usually one serves a whole file system. It is made on
// first use and removed in the end.
type stages struct {
	all   []*stage
	byDev map[uint64]*stage // the newest of a file system
	user  uint32
}

// stage is an empty directory of ours, mode 0700, without access control lists that its
// entries could inherit. It lies in another directory of ours, because others can rename a
// directory that lies in theirs, and it may inherit such a list.
type stage struct {
	*os.File // the stage itself, "new" in shelter
	shelter  *os.File
	parent   *os.File
	name     string // of shelter in parent
	used     int
}

// inner is the name of the stage itself.
const inner = "new"

// in returns the stage for a file system. If there is none yet, it makes one in the directory
// at.
func (s *stages) in(at directory) (*stage, error) {
	if found := s.byDev[at.id.dev]; found != nil {
		return found, nil
	}
	return s.add(at)
}

// add makes a stage in the directory at.
func (s *stages) add(at directory) (*stage, error) {
	made, err := newStage(at.fd, s.user)
	if err != nil {
		return nil, fmt.Errorf("make a directory for unfinished entries: %w", err)
	}
	s.all = append(s.all, made)
	if s.byDev == nil {
		s.byDev = map[uint64]*stage{}
	}
	s.byDev[at.id.dev] = made
	return made, nil
}

func newStage(at int, user uint32) (*stage, error) {
	parent, err := unix.FcntlInt(uintptr(at), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	s := &stage{parent: os.NewFile(uintptr(parent), "")}
	for tries := 0; ; tries++ {
		s.name = fmt.Sprintf(".mkinitfs-%016x", rand.Uint64())
		if err = unix.Mkdirat(at, s.name, 0o700); err == nil {
			break
		}
		if !errors.Is(err, unix.EEXIST) || tries == 100 {
			s.parent.Close()
			return nil, err
		}
	}
	if err := s.open(at, user); err != nil {
		_ = s.remove()
		return nil, err
	}
	return s, nil
}

func (s *stage) open(at int, user uint32) (err error) {
	if s.shelter, err = openDir(at, s.name); err != nil {
		return err
	}
	// If it was swapped, it has to be as good as the one that we made.
	found, err := fstat(int(s.shelter.Fd()))
	if err != nil {
		return err
	}
	if _, err := s.shelter.Readdirnames(1); found.uid != user || found.mode&0o077 != 0 || err != io.EOF {
		return fmt.Errorf("%s: %w", s.name, errTaken)
	}
	shelter := int(s.shelter.Fd())
	if err = unix.Mkdirat(shelter, inner, 0o700); err != nil {
		return err
	}
	if s.File, err = openDir(shelter, inner); err != nil {
		return err
	}
	for _, list := range []string{xattr.DefaultACL, xattr.ACL} {
		_ = unix.Fremovexattr(int(s.Fd()), list) // mostly there is none
	}
	return unix.Fchmod(int(s.Fd()), 0o700) // without the set-id bit that it may have inherited
}

func openDir(at int, name string) (*os.File, error) {
	fd, err := unix.Openat(at, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

func (s *stage) fd() int { return int(s.Fd()) }

// newName returns a name that is free.
func (s *stage) newName() string {
	s.used++
	return strconv.Itoa(s.used)
}

// remove removes the stage, with what is left in it.
func (s *stages) remove() error {
	var all []error
	for _, s := range s.all {
		all = append(all, s.remove())
	}
	s.all, s.byDev = nil, nil
	return errors.Join(all...)
}

func (s *stage) remove() error {
	defer s.parent.Close()
	if s.File != nil {
		defer s.Close()
		names, _ := s.Readdirnames(-1)
		for _, name := range names {
			_ = unlink(s.fd(), name) // shelter stays, then, and says so
		}
	}
	if s.shelter != nil {
		defer s.shelter.Close()
		_ = unix.Unlinkat(int(s.shelter.Fd()), inner, unix.AT_REMOVEDIR)
	}
	if err := unix.Unlinkat(int(s.parent.Fd()), s.name, unix.AT_REMOVEDIR); err != nil {
		return fmt.Errorf("remove %s, which held unfinished entries: %w", s.name, err)
	}
	return nil
}

// makeStaged makes an entry in a stage and moves it to a name in a directory that others
// can write to.
func (x *Extraction) makeStaged(m *making, at directory, base string) error {
	if _, err := lstat(at.fd, base); err == nil {
		return fail("create", m.h, unix.EEXIST)
	}
	m.xattrs = x.xattrs(m.path)
	host := x.resolver.root
	if host.id.dev != at.id.dev {
		host = at
	}
	s, err := x.stages.in(host)
	if err != nil {
		return err
	}
	if err = x.makeIn(s, m, at, base); errors.Is(err, unix.EXDEV) { // another mount of the file system
		if s, err = x.stages.add(at); err == nil {
			err = x.makeIn(s, m, at, base)
		}
	}
	if err == nil && x.info.Xattrs == nil && m.h.Type() != cpio.TypeDir {
		x.early[m.h.Name] = true
	}
	return err
}

func (x *Extraction) makeIn(s *stage, m *making, at directory, base string) error {
	temp := s.newName()
	err := x.maker.make(m, s.fd(), temp, func() error { return x.move(s, temp, m, at, base) })
	if err != nil {
		_ = unlink(s.fd(), temp) // it may be there or not
	}
	return err
}

// move moves an entry from a stage to its place. A file that may have more names also stays in
// the stage, where nobody else can change it.
func (x *Extraction) move(s *stage, temp string, m *making, at directory, base string) error {
	h := m.h
	made, err := lstat(s.fd(), temp)
	if err != nil {
		return fail("create", h, err)
	}
	if m.hasMore() {
		err = unix.Linkat(s.fd(), temp, at.fd, base, 0)
	} else {
		err = unix.Renameat(s.fd(), temp, at.fd, base)
	}
	if err != nil {
		return fail("create", h, err)
	}
	x.resolver.pins.forget(h.Name)
	switch {
	case m.hasMore():
		x.first[fileOf(h)] = where{h.Name, s, temp, m.attributes}
	case made.is(unix.S_IFDIR):
		x.resolver.pins.made(h.Name, made.id)
	case made.is(unix.S_IFLNK):
		x.resolver.pins.byName[h.Name] = pin{target: m.target}
	}
	x.maker.did("move", h)
	return nil
}

// unlink removes a file or an empty directory.
func unlink(dir int, name string) error {
	err := unix.Unlinkat(dir, name, 0)
	if errors.Is(err, unix.EISDIR) {
		err = unix.Unlinkat(dir, name, unix.AT_REMOVEDIR)
	}
	return err
}
