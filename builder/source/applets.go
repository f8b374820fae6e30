package source

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// applets returns the links to the file at dst that the item has in a file. They give way to
// all other entries, as in Buildroot: a package with a program of its own wins. info describes
// the file itself, or is nil.
func (f *fileReader) applets(dst string, info *unix.Stat_t) ([]*plan.Entry, *plan.Error) {
	if f.Applets == nil {
		return nil, nil
	}
	j := f.job
	j.origin = f.Applets.Pos.String()
	content, err := readAll(f.Applets.Src)
	var names []string
	if err == nil {
		j.input(f.Applets.Src)
		names, err = appletPaths(string(content))
	}
	if err != nil {
		return nil, j.fail(f.Applets.Src, err, "")
	}
	entries := j.links(dst, names)
	for _, e := range entries {
		e.Origin, e.GivesWay = f.origin, true
		if !f.Applets.Hard {
			e.Mode, e.HardLink = plan.TypeLink|0o777, false
			j.set(e, &manifests.Attr{Owner: f.Owner, MTime: f.MTime}, info)
		}
	}
	return entries, nil
}

// appletPaths returns the paths in content, which has one a line and may repeat them.
func appletPaths(content string) ([]string, error) {
	var names []string
	for i, line := range strings.Split(content, "\n") {
		switch {
		case line == "":
			continue
		case strings.ContainsFunc(line, unicode.IsControl):
			return nil, fmt.Errorf("line %d: control character in %.60q", i+1, line)
		case !path.IsAbs(line):
			return nil, advise("busybox --list-full | sed s,^,/, prints such a list", "line %d: want an absolute path, got %.60q", i+1, line)
		case path.Clean(line) != line || line == "/":
			return nil, fmt.Errorf("line %d: %.60q is not the clean path of a link", i+1, line)
		}
		names = append(names, line)
	}
	if len(names) == 0 {
		return nil, errors.New("no paths in it")
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}
