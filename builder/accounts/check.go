package accounts

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// checkWorkdir checks that the stub can enter init.workdir, or make it.
func (p *process) checkWorkdir() {
	dir := p.init.Workdir
	if dir.Path == "" || slices.ContainsFunc(p.init.Mounts, func(m manifests.Mount) bool { return within(dir.Path, m.Target) }) {
		return
	}
	for at := dir.Path; at != "/"; at = path.Dir(at) {
		if e := plan.Find(p.root, at); e != nil {
			if !e.IsDir() {
				p.fail(dir.Pos, "workdir", dir.Path, errors.New(at+" is not a directory"))
			}
			return
		}
	}
}

// within reports whether a path is dir or lies below it.
func within(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, dir+"/")
}

// warnAbout warns of rights that a user other than root lacks.
func (p *process) warnAbout(u *bootplan.User, groups []uint32) {
	if p.init.Supervise == nil {
		p.warn(fmt.Sprintf("%s: init.user: as process 1 user %d can neither mount nor power off\n  add supervise: true, which keeps the stub as process 1", p.init.User.Pos, u.UID))
	}
	program := plan.Find(p.root, p.init.Exec)
	if program == nil || !program.IsFile() {
		return
	}
	for at := program.Path; ; at = path.Dir(at) {
		if e := plan.Find(p.root, at); e != nil && !mayExecute(e, u.UID, groups) {
			p.warn(fmt.Sprintf("%s: init.exec: user %d may not execute %s: %s has mode %04o and owner %d:%d",
				p.init.ExecPos, u.UID, p.init.Exec, at, e.Mode&0o7777, e.UID, e.GID))
			return
		}
		if at == "/" {
			return
		}
	}
}

// mayExecute reports whether the mode of e lets a user execute a file, or search a directory.
func mayExecute(e *plan.Entry, uid uint32, groups []uint32) bool {
	switch {
	case e.UID == uid:
		return e.Mode&0o100 != 0
	case slices.Contains(groups, e.GID):
		return e.Mode&0o010 != 0
	}
	return e.Mode&0o001 != 0
}
