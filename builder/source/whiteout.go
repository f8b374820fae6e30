package source

import (
	"fmt"
	"maps"
	"path"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// layer finds whiteouts, the marks of deletions in a layer of a container's image: the names of
// OCI (https://github.com/opencontainers/image-spec/blob/main/layer.md#whiteouts), which come
// from aufs, and the devices and attributes of overlayfs
// (Documentation/filesystems/overlayfs.rst).
type layer struct {
	apply  bool
	marks  tally           // whiteouts found
	hidden map[string]bool // paths of overlayfs's whiteouts, which are hard links of one file
}

const (
	markPrefix = ".wh."
	aufsPrefix = ".wh..wh." // names that aufs reserves; only opaqueName matters here
	opaqueName = ".wh..wh..opq"
)

// take returns the entries that e stands for: e itself, the deletion that it marks, or none. It
// removes the attributes of overlayfs from e.
func (l *layer) take(e *plan.Entry) ([]*plan.Entry, error) {
	overlay := takeOverlay(e)
	if overlay["redirect"] != "" || has(overlay, "metacopy") {
		return nil, fmt.Errorf("%s: its content is in another layer of an overlayfs: take the tree that the overlay is mounted at", e.Path)
	}
	dir, name := path.Split(e.Path)
	mark := *e
	keep := false
	switch {
	case name == opaqueName:
		mark.Path, mark.Whiteout = path.Clean(dir), plan.HidesBelow
	case strings.Contains(e.Path, "/"+aufsPrefix):
		mark.Whiteout = 0 // deletes nothing
	case strings.HasPrefix(name, markPrefix):
		hidden := strings.TrimPrefix(name, markPrefix)
		if hidden == "" || hidden == "." || hidden == ".." {
			return nil, fmt.Errorf("%s: a whiteout of nothing that could be there", e.Path)
		}
		mark.Path, mark.Whiteout = dir+hidden, plan.HidesPath
	case e.HardLink && l.hidden[e.Target],
		!e.HardLink && e.Mode&plan.TypeMask == plan.TypeChar && e.Major == 0 && e.Minor == 0,
		!e.HardLink && e.IsFile() && e.Size == 0 && has(overlay, "whiteout"):
		mark.Whiteout = plan.HidesPath
		if l.hidden == nil {
			l.hidden = map[string]bool{}
		}
		l.hidden[e.Path] = true
	case e.IsDir() && overlay["opaque"] == "y":
		mark.Whiteout, keep = plan.HidesBelow, true
	default:
		return []*plan.Entry{e}, nil
	}
	l.marks.add(e.Path)
	var entries []*plan.Entry
	if mark.Whiteout != 0 {
		mark.Mode, mark.HardLink, mark.Implied = plan.TypeDir, false, false
		entries = append(entries, &mark)
	}
	if keep {
		entries = append(entries, e)
	}
	return entries, nil
}

// problem returns an error if there were whiteouts and the item does not apply them.
func (l *layer) problem(j *job, src string) *plan.Error {
	if l.apply || l.marks.n == 0 {
		return nil
	}
	return &plan.Error{
		Origin: j.origin, Path: src,
		Msg:  fmt.Sprintf("is a layer of a container's image, whose whiteouts delete from the layers below: %s", &l.marks),
		Hint: `"whiteouts: apply" deletes what earlier items bring there; "exclude" leaves the marks out`,
	}
}

// takeOverlay removes the attributes of overlayfs from e. It returns them without their prefix.
func takeOverlay(e *plan.Entry) plan.Xattrs {
	var overlay plan.Xattrs
	rest := e.Xattrs
	for key, value := range e.Xattrs {
		for _, prefix := range []string{"trusted.overlay.", "user.overlay."} {
			name, ok := strings.CutPrefix(key, prefix)
			if !ok {
				continue
			}
			if overlay == nil {
				overlay, rest = plan.Xattrs{}, maps.Clone(e.Xattrs)
			}
			overlay[name] = strings.TrimRight(value, "\x00")
			delete(rest, key)
		}
	}
	e.Xattrs = rest
	if len(rest) == 0 {
		e.Xattrs = nil
	}
	return overlay
}

func has(xattrs plan.Xattrs, name string) bool {
	_, ok := xattrs[name]
	return ok
}
