package source

import (
	"cmp"
	"errors"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/follow"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// landing puts files of a sysroot into the root, each at its own path. The symbolic links on the
// way come along, unless the root has something there.
type landing struct {
	job     job
	planned []*plan.Entry
	added   map[string]*plan.Entry // by path
	entries []*plan.Entry          // the same, in order
}

// at returns what is at a place of the root.
func (l *landing) at(place string) *plan.Entry {
	return cmp.Or(plan.At(l.planned, place), l.added[place])
}

func (l *landing) add(e *plan.Entry) {
	e.Brought = true
	l.added[e.Path] = e
	l.entries = append(l.entries, e)
}

// follow returns where a path leads in the root.
func (l *landing) follow(name string) (string, error) {
	return follow.Walk(name, func(place string, _ bool) (string, bool, error) {
		if e := l.at(place); e != nil && e.IsLink() {
			return e.Target, true, nil
		}
		return "", false, nil
	})
}

// land adds the file at a path in the sysroot at the same path in the root. The links of the two
// may differ, so land resolves the path in each.
func (l *landing) land(s *sysroot, name string) error {
	to, from, links := "/", "/", 0
	for left := name; left != ""; {
		var part string
		part, left, _ = strings.Cut(left, "/")
		switch part {
		case "", ".":
			continue
		case "..":
			to, from = path.Dir(to), path.Dir(from)
			continue
		}
		to, from = path.Join(to, part), path.Join(from, part)
		target, link := s.link(from)
		if link && l.at(to) == nil {
			if links++; links > follow.MaxLinks {
				return unix.ELOOP
			}
			e := l.job.entry(to, plan.TypeLink|0o777)
			e.Target, e.MTime = target, l.job.Clock.Epoch
			l.add(e)
			if to, from = path.Dir(to), path.Dir(from); path.IsAbs(target) {
				to, from = "/", "/"
			}
			left = target + "/" + left
			continue
		}
		var err1, err2 error
		to, err1 = l.follow(to)
		from, err2 = s.follow(from)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
	}
	if l.added[to] != nil {
		return nil
	}
	return l.file(s, to, from)
}

// file adds the file at a place of the sysroot. Its mode does not depend on the umask with which
// the sysroot was unpacked.
func (l *landing) file(s *sysroot, to, from string) error {
	src := s.host(from)
	info := &unix.Stat_t{}
	if err := lookAt(unix.AT_FDCWD, src, false, info); err != nil {
		return err
	}
	e := l.job.entry(to, plan.TypeFile|0o644)
	if info.Mode&0o100 != 0 {
		e.Mode |= 0o111
	}
	l.job.set(e, &manifests.Attr{}, info)
	if err := l.job.setContent(e, src, info); err != nil {
		return err
	}
	l.add(e)
	return nil
}
