package accounts

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// The files of accounts, and the kind of their rows.
const (
	passwdPath = "/etc/passwd"
	groupPath  = "/etc/group"
	shadowPath = "/etc/shadow"
)

// Files returns the files that the accounts of a manifest need. The plan has them where nothing
// else is.
func Files(a *manifests.Accounts) []*plan.Entry {
	if a == nil {
		return nil
	}
	file := func(path string, perm uint32) *plan.Entry {
		return &plan.Entry{Path: path, Mode: plan.TypeFile | perm, Origin: a.Pos.String()}
	}
	files := []*plan.Entry{file(groupPath, 0o644)}
	if len(a.Users) > 0 {
		files = append(files, file(passwdPath, 0o644))
	}
	if slices.ContainsFunc(a.Users, func(u manifests.User) bool { return u.UID != nil || u.Password != "" }) {
		files = append(files, file(shadowPath, 0o600))
	}
	return files
}

// writer changes the accounts of a root.
type writer struct {
	passwd, group, shadow *table
	problems
}

// Apply adds the accounts to the files of a finished plan, and gives the entries the owners that
// the manifest names. It calls input for each file of the host that it replaces. Errors have the
// type [manifests.Errors] or [plan.Errors].
func Apply(a *manifests.Accounts, root []*plan.Entry, input func(path string)) error {
	if err := write(a, root, input); err != nil {
		return err
	}
	return own(root)
}

// write adds the accounts to the files of the root.
func write(a *manifests.Accounts, root []*plan.Entry, input func(path string)) error {
	if a == nil {
		return nil
	}
	w := &writer{}
	var err error
	for _, t := range []struct {
		to   **table
		path string
		what string
	}{{&w.passwd, passwdPath, "user"}, {&w.group, groupPath, "group"}, {&w.shadow, shadowPath, "user"}} {
		if *t.to, err = readTable(root, t.path, t.what); err != nil {
			w.fail(a.Pos, "accounts", "", err)
			return w.sorted()
		}
	}
	for _, g := range a.Groups {
		if err := w.addGroup(g.Name, g.GID); err != nil {
			w.fail(g.Pos, "group", g.Name, err)
		}
	}
	for _, u := range a.Users {
		if err := w.addUser(u); err != nil {
			w.fail(u.Pos, "user", u.Name, err)
		}
		for _, g := range u.Groups {
			if err := w.addMember(u.Name, g.Name); err != nil {
				w.fail(g.Pos, "groups", g.Name, err)
			}
		}
	}
	if len(w.errs) > 0 {
		return w.sorted()
	}
	for _, t := range []*table{w.passwd, w.group, w.shadow} {
		if !t.changed {
			continue
		}
		if err := t.store(root, input); err != nil {
			w.fail(a.Pos, "accounts", "", err)
		}
	}
	return w.sorted()
}

// addGroup adds a group, or finds that it is there.
func (w *writer) addGroup(name string, gid *uint32) error {
	r, err := w.group.named(name)
	if err != nil {
		if gid == nil {
			return fmt.Errorf("the root's %s does not have it, so it needs gid", groupPath)
		}
		if other, taken := w.group.numbered(*gid); taken {
			return fmt.Errorf("gid %d is that of %q in the root's %s", *gid, other.name(), groupPath)
		}
		w.group.put(row{fields: []string{name, "x", itoa(*gid), ""}})
		return nil
	}
	return w.group.same(r, gid)
}

// addUser adds a user, or changes one.
func (w *writer) addUser(u manifests.User) error {
	r, err := w.passwd.named(u.Name)
	if fresh := err != nil; fresh {
		r, err = w.newUser(u)
	} else {
		err = w.passwd.same(r, u.UID)
	}
	if err != nil {
		return err
	}
	if u.GID != "" {
		gid, err := groupID(u.GID, w.group)
		if err != nil {
			return err
		}
		r = r.with(3, itoa(gid))
	}
	if u.Home != "" {
		r = r.with(5, u.Home)
	}
	if u.Shell != "" {
		r = r.with(6, u.Shell)
	}
	password := u.Password
	if password == "" && r.line == 0 {
		password = "!"
	}
	if password != "" {
		r = r.with(1, "x")
		w.setPassword(u.Name, password)
	}
	w.passwd.put(r)
	return nil
}

// newUser returns the row of a user who is not in the root yet, and adds its main group.
func (w *writer) newUser(u manifests.User) (row, error) {
	if u.UID == nil {
		return row{}, fmt.Errorf("the root's %s does not have it, so it needs uid", passwdPath)
	}
	if other, taken := w.passwd.numbered(*u.UID); taken {
		return row{}, fmt.Errorf("uid %d is that of %q in the root's %s", *u.UID, other.name(), passwdPath)
	}
	gid := ""
	if u.GID == "" {
		own, err := w.group.named(u.Name)
		if err != nil {
			if err := w.addGroup(u.Name, u.UID); err != nil {
				return row{}, fmt.Errorf("its own group: %w\n  add gid", err)
			}
			own, _ = w.group.named(u.Name)
		}
		id, err := w.group.idAt(own, 2)
		if err != nil {
			return row{}, err
		}
		gid = itoa(id)
	}
	return row{fields: []string{u.Name, "x", itoa(*u.UID), gid, "", "/", "/bin/sh"}}, nil
}

// setPassword sets the password of a user in shadow. A new row says nothing of ageing, and the
// day of the build is not in it.
func (w *writer) setPassword(user, password string) {
	r, err := w.shadow.named(user)
	if err != nil {
		r = row{fields: []string{user, "", "", "0", "99999", "7", "", "", ""}}
	}
	w.shadow.put(r.with(1, password))
}

// addMember adds a user to a group.
func (w *writer) addMember(user, name string) error {
	r, err := w.group.named(name)
	if id, ok := parseID(name); ok {
		var found bool
		if r, found = w.group.numbered(id); !found {
			return fmt.Errorf("the root's %s has no group with this id", groupPath)
		}
	} else if err != nil {
		return err
	}
	var members []string
	if list := r.text(3); list != "" {
		members = strings.Split(list, ",")
	}
	if !slices.Contains(members, user) {
		w.group.put(r.with(3, strings.Join(append(members, user), ",")))
	}
	return nil
}

// with returns the row with another field. Fields before it that are missing are empty.
func (r row) with(field int, text string) row {
	fields := slices.Clone(r.fields)
	for len(fields) <= field {
		fields = append(fields, "")
	}
	fields[field] = text
	return row{r.line, fields}
}

// put replaces the row of the same line, or adds one.
func (t *table) put(r row) {
	line := strings.Join(r.fields, ":")
	t.changed, t.absent = true, false
	if r.line == 0 {
		t.lines = append(t.lines, line)
		t.rows = append(t.rows, row{len(t.lines), r.fields})
		return
	}
	i := slices.IndexFunc(t.rows, func(other row) bool { return other.line == r.line })
	t.lines[r.line-1], t.rows[i] = line, r
}

// same returns an error if the row has another id than asked for, nil for any.
func (t *table) same(r row, id *uint32) error {
	have, err := t.idAt(r, 2)
	if err == nil && id != nil && have != *id {
		err = fmt.Errorf("has id %d in the root's %s, not %d", have, t.path, *id)
	}
	return err
}

// store gives the file of the table its new content.
func (t *table) store(root []*plan.Entry, input func(path string)) error {
	file := plan.Find(root, t.path)
	if file == nil {
		return fmt.Errorf("the root has no %s", t.path)
	}
	file = file.File()
	if file.Data.Path != "" {
		input(file.Data.Path)
	}
	text := strings.Join(t.lines, "\n") + "\n"
	file.Data = plan.Data{At: bytes.NewReader([]byte(text))}
	for _, e := range root {
		if e.File() == file {
			e.Size = int64(len(text))
		}
	}
	return nil
}

func itoa(id uint32) string { return strconv.FormatUint(uint64(id), 10) }
