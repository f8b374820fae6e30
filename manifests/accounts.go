package manifests

import (
	"errors"
	"slices"
	"strings"
)

// Accounts are users and groups that the root's own /etc/passwd, /etc/group and /etc/shadow get,
// or that are changed there.
type Accounts struct {
	Pos    Pos // of the mapping
	Users  []User
	Groups []Group
}

// User is a user. What is not given stays as it is in the root, or gets the default of a new one.
type User struct {
	Pos         Pos
	Name        string
	UID         *uint32
	GID         string // its main group: an id or a name
	Home, Shell string
	Password    string    // "!", "*", or a hash
	Groups      []Account // that it is added to
}

// Group is a group.
type Group struct {
	Pos  Pos
	Name string
	GID  *uint32
}

var accountsSection = Section{Path: "accounts", Keys: []Key{
	{Name: "users", Kind: KindItems, Doc: "Users that are added or changed."},
	{Name: "groups", Kind: KindItems, Doc: "Groups that are added."},
}}

var userSection = Section{Path: "accounts.users", Keys: []Key{
	{Name: "name", Kind: KindText, Required: true, Doc: "The name of the user."},
	{Name: "uid", Kind: KindNumber, Doc: "Its id; a new user needs one."},
	{Name: "gid", Kind: KindText, Otherwise: "the group of the user's name", Doc: "Its main group, a name or an id; a new user brings the group of its name along, with the number of `uid`."},
	{Name: "home", Kind: KindPath, Default: "/", Doc: "Its home directory, which is not made."},
	{Name: "shell", Kind: KindPath, Default: "/bin/sh", Doc: "Its shell."},
	{Name: "password", Kind: KindText, Default: "!", Doc: "The hash of its password; `!` and `*` let nobody in by a password."},
	{Name: "groups", Kind: KindTexts, Doc: "Groups that it is added to, names or ids."},
}}

var groupSection = Section{Path: "accounts.groups", Keys: []Key{
	{Name: "name", Kind: KindText, Required: true, Doc: "The name of the group."},
	{Name: "gid", Kind: KindNumber, Doc: "Its id; a new group needs one."},
}}

// readAccounts decodes the section accounts of the manifest o.
func readAccounts(o *object) *Accounts {
	n := o.get("accounts")
	if n == nil || n.null {
		return nil
	}
	own := o.object(n, "accounts", &accountsSection)
	a := &Accounts{Pos: n.pos}
	for _, item := range own.list("users") {
		if item.kind != mapping {
			o.want(item, "a mapping", "users")
			continue
		}
		a.Users = append(a.Users, readUser(o.object(item, "users", &userSection)))
	}
	for _, item := range own.list("groups") {
		if item.kind != mapping {
			o.want(item, "a mapping", "groups")
			continue
		}
		g := o.object(item, "groups", &groupSection)
		g.require("a group")
		group := Group{Pos: g.pos}
		set(g, "name", &group.Name, parseAccount)
		setSomeID(g, "gid", &group.GID)
		a.Groups = append(a.Groups, group)
	}
	for i, u := range a.Users {
		if first := slices.IndexFunc(a.Users, func(other User) bool { return other.Name == u.Name }); first < i && u.Name != "" {
			o.errorf(u.Pos, "user %s: already at %s", quote(u.Name), a.Users[first].Pos)
		}
	}
	for i, g := range a.Groups {
		if first := slices.IndexFunc(a.Groups, func(other Group) bool { return other.Name == g.Name }); first < i && g.Name != "" {
			o.errorf(g.Pos, "group %s: already at %s", quote(g.Name), a.Groups[first].Pos)
		}
	}
	return a
}

// readUser decodes one of accounts.users.
func readUser(o *object) User {
	o.require("a user")
	u := User{Pos: o.pos}
	set(o, "name", &u.Name, parseAccount)
	setSomeID(o, "uid", &u.UID)
	setGiven(o, "gid", &u.GID, parseGroup)
	setGiven(o, "home", &u.Home, parseField(parsePath))
	setGiven(o, "shell", &u.Shell, parseField(parsePath))
	if n := o.get("password"); n != nil {
		u.Password, _ = take(o.decoder, n, "password", parsePassword)
	}
	for _, item := range o.list("groups") {
		if name, ok := parse(o.decoder, item, "groups", parseGroup); ok {
			u.Groups = append(u.Groups, Account{item.pos, name})
		}
	}
	return u
}

// setSomeID is setSome for the id of an account.
func setSomeID(o *object, key string, dst **uint32) {
	setSome(o, key, dst, func(text string) (uint32, error) {
		if !isDigits(text) {
			return 0, errors.New("want a number")
		}
		_, err := parseGroup(text)
		if err != nil {
			return 0, err
		}
		id, _ := parseID(text)
		return *id, nil
	})
}

// parseField returns a function that reads what can be a field of passwd(5).
func parseField(read func(string) (string, error)) func(string) (string, error) {
	return func(text string) (string, error) {
		if strings.ContainsAny(text, ":\n\r") {
			return "", errors.New("passwd and shadow have no place for colons and line ends")
		}
		return read(text)
	}
}

// parsePassword reads what stands for a password in shadow(5). A password itself would be
// readable for everyone who has the image. Its error does not repeat the text.
func parsePassword(text string) (string, error) {
	hash := strings.HasPrefix(text, "$") && strings.Count(text, "$") >= 3 && !strings.ContainsAny(text, ":\n\r\x00")
	if hash || text == "!" || text == "*" {
		return text, nil
	}
	return "", advise(`"openssl passwd -6" and mkpasswd make such a hash`, `password: want "!" or "*" for none, or a hash, which begins with $`)
}

func (a *Accounts) check() error {
	var errs []error
	add := func(key, text string, given bool, read func(string) (string, error)) {
		if given {
			errs = append(errs, checkText(key, text, read))
		}
	}
	for _, u := range a.Users {
		add("name", u.Name, true, parseAccount)
		add("gid", u.GID, u.GID != "", parseGroup)
		add("home", u.Home, u.Home != "", parseField(parsePath))
		add("shell", u.Shell, u.Shell != "", parseField(parsePath))
		if u.Password != "" {
			_, err := parsePassword(u.Password)
			errs = append(errs, err)
		}
		for _, g := range u.Groups {
			add("groups", g.Name, true, parseGroup)
		}
	}
	for _, g := range a.Groups {
		add("name", g.Name, true, parseAccount)
	}
	return errors.Join(errs...)
}
