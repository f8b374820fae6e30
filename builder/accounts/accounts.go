// Package accounts finds users and groups in the root's own /etc/passwd and /etc/group, never in
// the host's. It adds the accounts of a manifest to these files, and finds the ids of owners and of
// the program's user.
//
// init.user and init.groups follow runc and Docker. A word of digits is an id even if some user has
// that name. A user who is not in /etc/passwd has group 0 and no home. A group behind a colon is the
// only one; otherwise the user is in each group of /etc/group that lists it. The main group is always among the supplementary ones.
package accounts

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/lint"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// process is the program of an image while [Resolve] completes it.
type process struct {
	init manifests.Init
	root lint.Planned
	warn func(text string)
	problems
}

// Resolve sets the user, the groups and the directory in the boot plan of a planned root. It
// calls warn with likely mistakes. Errors have the type [manifests.Errors].
func Resolve(to *bootplan.Plan, init manifests.Init, root []*plan.Entry, warn func(text string)) error {
	p := &process{init: init, root: root, warn: warn}
	if init.User != nil || init.Groups != nil {
		to.User, to.Groups = p.identify()
	}
	if init.Workdir.Path != "/" {
		to.Workdir = init.Workdir.Path
	}
	p.checkWorkdir()
	if err := p.sorted(); err != nil {
		return err
	}
	if to.User != nil && to.User.UID != 0 {
		p.warnAbout(to.User, to.Groups)
	}
	return nil
}

// maxGroups is the kernel's NGROUPS_MAX.
const maxGroups = 65536

// identify returns the user and its supplementary groups.
func (p *process) identify() (*bootplan.User, []uint32) {
	asked := p.init.User
	if asked == nil {
		asked = &manifests.Account{Pos: p.init.Pos, Name: "0"}
	}
	passwd, err := readTable(p.root, passwdPath, "user")
	if err != nil {
		p.fail(asked.Pos, "user", asked.Name, err)
		return nil, nil
	}
	group, err := readTable(p.root, groupPath, "group")
	if err != nil {
		p.fail(asked.Pos, "user", asked.Name, err)
		return nil, nil
	}
	u, err := p.find(*asked, passwd, group)
	if err != nil {
		p.fail(asked.Pos, "user", asked.Name, err)
	}
	groups := append([]uint32{u.gid}, u.groups...)
	for _, g := range p.init.Groups {
		id, err := groupID(g.Name, group)
		if err != nil {
			p.fail(g.Pos, "groups", g.Name, err)
		}
		groups = append(groups, id)
	}
	groups = unique(groups)
	if len(groups) > maxGroups {
		p.fail(asked.Pos, "user", asked.Name, fmt.Errorf("%d groups, Linux allows %d", len(groups), maxGroups))
	}
	return &bootplan.User{UID: u.uid, GID: u.gid, Home: u.home}, groups
}

// found is a user of the root.
type found struct {
	uid, gid uint32
	home     string
	groups   []uint32 // that list it, unless the manifest has groups
}

// find returns the user that asked names: NAME or UID, alone or with :GROUP or :GID.
func (p *process) find(asked manifests.Account, passwd, group *table) (u found, err error) {
	name, main, explicit := strings.Cut(asked.Name, ":")
	r, known := row{}, true
	if id, ok := parseID(name); ok {
		u.uid = id
		r, known = passwd.numbered(id)
	} else if r, err = passwd.named(name); err == nil {
		u.uid, err = passwd.idAt(r, 2)
	}
	if err != nil {
		return u, err
	}
	if known {
		if u.home = r.text(5); strings.ContainsRune(u.home, 0) {
			return u, fmt.Errorf("line %d of the root's %s: NUL in the home directory", r.line, passwd.path)
		}
	}
	switch {
	case explicit:
		u.gid, err = groupID(main, group)
	case known:
		if u.gid, err = passwd.idAt(r, 3); err == nil && p.init.Groups == nil {
			u.groups, err = memberships(r.name(), group)
		}
	case u.uid != 0:
		p.warn(fmt.Sprintf("%s: user %q: not in the root's %s, so its group is 0\n  write %s:GROUP", asked.Pos, name, passwd.path, name))
	}
	return u, err
}

// groupID returns the id of a group.
func groupID(name string, group *table) (uint32, error) {
	if id, ok := parseID(name); ok {
		return id, nil
	}
	r, err := group.named(name)
	if err != nil {
		return 0, err
	}
	return group.idAt(r, 2)
}

// memberships returns the groups that list a user.
func memberships(user string, group *table) ([]uint32, error) {
	var ids []uint32
	for _, r := range group.rows {
		if !slices.Contains(strings.Split(r.text(3), ","), user) {
			continue
		}
		id, err := group.idAt(r, 2)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// unique returns ids without repetitions, in their order.
func unique(ids []uint32) []uint32 {
	seen := map[uint32]bool{}
	return slices.DeleteFunc(ids, func(id uint32) bool {
		again := seen[id]
		seen[id] = true
		return again
	})
}
