package manifests

import (
	"errors"
	"strings"
)

// setProcess decodes the user, the groups and the directory of the program.
func setProcess(o *object, i *Init) {
	var user string
	if setGiven(o, "user", &user, parseUser) {
		i.User = &Account{o.get("user").pos, user}
	}
	if n := o.get("groups"); n != nil && !n.null {
		i.Groups = []Account{}
	}
	for _, item := range o.list("groups") {
		if name, ok := parse(o.decoder, item, "groups", parseGroup); ok {
			i.Groups = append(i.Groups, Account{item.pos, name})
		}
	}
	if setGiven(o, "workdir", &i.Workdir.Path, parseWorkdir) {
		i.Workdir.Pos = o.get("workdir").pos
	}
}

// checkProcess returns an error for every value that setProcess would refuse.
func checkProcess(i *Init) error {
	var errs []error
	if i.User != nil {
		errs = append(errs, checkText("user", i.User.Name, parseUser))
	}
	for _, g := range i.Groups {
		errs = append(errs, checkText("groups", g.Name, parseGroup))
	}
	if i.Workdir.Path != "" {
		errs = append(errs, checkText("workdir", i.Workdir.Path, parseWorkdir))
	}
	return errors.Join(errs...)
}

// NewAccount returns the user that text names: USER or USER:GROUP.
func NewAccount(pos Pos, text string) (*Account, error) {
	_, err := parseUser(text)
	return &Account{pos, text}, err
}

// NewWorkdir returns a working directory.
func NewWorkdir(pos Pos, text string) (Name, error) {
	_, err := parseWorkdir(text)
	return Name{pos, text}, err
}

// parseUser reads USER or USER:GROUP, each a name or an id of the root.
func parseUser(text string) (string, error) {
	user, group, both := strings.Cut(text, ":")
	if user == "" || both && (group == "" || strings.Contains(group, ":")) {
		return "", errors.New("want USER or USER:GROUP")
	}
	_, err := parseGroup(user)
	if both && err == nil {
		_, err = parseGroup(group)
	}
	return text, err
}

// parseGroup reads a name or an id of the root. The largest number of 32 bits is no id:
// setgid(2) takes it for "as it was".
func parseGroup(text string) (string, error) {
	if strings.Contains(text, ":") {
		return "", errors.New("want a name or an id")
	}
	if isDigits(text) {
		if id, err := parseID(text); err != nil || *id == 1<<32-1 {
			return "", errors.New("ids end at 4294967294")
		}
	}
	return parseWord(text)
}

// parseWorkdir reads a directory of the root.
func parseWorkdir(text string) (string, error) {
	if text == "/" {
		return text, nil
	}
	return parseNewPath(text)
}
