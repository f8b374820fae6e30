package image

import (
	"strconv"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// inRoot returns the path of an entry after the stub is done, or false if the entry is not
// part of the root. p is the boot plan of the image, or nil. In a bound root, /init and the
// names of init.rdinit are links to the stub, which puts the root's own entries back.
func inRoot(p *bootplan.Plan, e *Entry) (string, bool) {
	at := e.Path()
	if to := putBack(p, at); to != "" {
		return to, true
	}
	if at == "/"+bootplan.Dir || strings.HasPrefix(at, "/"+bootplan.Dir+"/") || p != nil && at == "/init" {
		return "", false
	}
	if p != nil {
		for _, r := range p.Rdinit {
			if r.Place == at && (r.Name == "" || e.Link == "/init") {
				return "", false
			}
		}
	}
	return at, true
}

// storedOnce returns the paths of the files that an image has outside its members only. p is
// its boot plan, or nil.
func storedOnce(p *bootplan.Plan) map[string]bool {
	once := map[string]bool{}
	if p != nil {
		for _, o := range p.Once {
			once[o.Path] = true
		}
	}
	return once
}

// putBack returns where the stub puts an entry back that it keeps in /.mkinitfs, "" for any
// other path.
func putBack(p *bootplan.Plan, at string) string {
	switch rest, ok := strings.CutPrefix(at, "/"+bootplan.Dir+"/rdinit."); {
	case p == nil:
	case at == "/"+bootplan.Init:
		return "/init"
	case ok:
		if i, err := strconv.Atoi(rest); err == nil && i >= 0 && i < len(p.Rdinit) {
			return p.Rdinit[i].Place
		}
	}
	return ""
}

// putAt gives an entry of the root its path after the stub is done. The first name of its file
// may move, too.
func putAt(p *bootplan.Plan, e *Entry, at string) {
	if at != e.Path() {
		e.Name = relativeName(at)
	}
	if e.HardLinkOf == "" {
		return
	}
	if first := putBack(p, e.File()); first != "" {
		e.HardLinkOf = relativeName(first)
	}
}

// plan returns the boot plan that was read, nil if the image has none. Even a plan that cannot
// be parsed shows that there is a stub.
func (i *Info) plan() *bootplan.Plan {
	if i.Plan == nil {
		return nil
	}
	if p, err := bootplan.Parse(i.Plan); err == nil {
		return p
	}
	return new(bootplan.Plan)
}
