package accounts

import (
	"fmt"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// own gives entries the owners that the manifest names, by the root's own files.
func own(root []*plan.Entry) error {
	o := &owners{root: root, ids: map[wanted]uint32{}, tables: map[string]*table{}}
	for _, e := range root {
		if e.Names == nil {
			continue
		}
		o.set(&e.UID, e.Names.User, passwdPath, "user")
		o.set(&e.GID, e.Names.Group, groupPath, "group")
		e.Names = nil
	}
	return o.problems.Sorted()
}

// owners finds ids, each name of a place in the manifest once.
type owners struct {
	root     []*plan.Entry
	ids      map[wanted]uint32
	tables   map[string]*table
	problems plan.Errors
}

type wanted struct {
	name plan.Name
	file string
}

// set sets an id if the manifest names it.
func (o *owners) set(id *uint32, name plan.Name, file, what string) {
	if name.Text == "" {
		return
	}
	key := wanted{name, file}
	if known, ok := o.ids[key]; ok {
		*id = known
		return
	}
	found, err := o.find(name.Text, file, what)
	if err != nil {
		msg, hint, _ := strings.Cut(err.Error(), "\n  ")
		o.problems = append(o.problems, &plan.Error{Origin: name.Origin, Path: fmt.Sprintf("owner %q", name.Text), Msg: msg, Hint: hint})
	}
	o.ids[key], *id = found, found
}

// find returns the id of a name in a file of the root.
func (o *owners) find(name, file, what string) (uint32, error) {
	t := o.tables[file]
	if t == nil {
		var err error
		if t, err = readTable(o.root, file, what); err != nil {
			return 0, err
		}
		o.tables[file] = t
	}
	r, err := t.named(name)
	if err != nil {
		return 0, err
	}
	return t.idAt(r, 2)
}
