// Package selinux finds the label that a policy gives to a path. It reads the policy's
// file_contexts (selabel_file(5)) and gives the same answers as libselinux's selabel_lookup(3).
// It needs neither libselinux nor a loaded policy.
package selinux

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/internal/xattr"
)

// Attribute is the extended attribute that holds a label. The value ends with a NUL, as
// libselinux stores it.
const Attribute = xattr.SELinux

// none is the context of files without a label.
const none = "<<none>>"

// Contexts are the rules of a policy. Only one goroutine at a time may use them.
type Contexts struct {
	rules   []rule           // the last match counts
	byDir   map[string][]int // indexes of rules by the directory that their literal beginning is in
	subs    []sub            // of the administrator
	subDist []sub            // of the distribution, applied after
}

// rule is one line of file_contexts.
type rule struct {
	text    string // the regular expression as it stands there
	typ     uint32 // file type bits; 0 is any type
	context string
	exact   bool   // no meta characters: takes precedence over expressions
	prefix  string // what every match begins with
	literal bool   // the prefix is the whole expression
	re      *regexp.Regexp
}

// sub makes paths below from get the labels of the same paths below to.
type sub struct{ from, to string }

// fileType masks the file type bits of a mode, as in stat(2).
const fileType = 0o170000

// Lookup returns the label of a file with an absolute, clean path and a mode; ok
// is false if it gets none.
func (c *Contexts) Lookup(path string, mode uint32) (label string, ok bool) {
	key := latin1(substitute(c.subDist, substitute(c.subs, path)))
	best := -1
	for dir := key; dir != ""; {
		dir = dir[:max(0, strings.LastIndexByte(dir, '/'))]
		for _, i := range slices.Backward(c.byDir[dir]) {
			if i <= best {
				break
			}
			if c.rules[i].matches(key, mode) {
				best = i
				break
			}
		}
	}
	if best < 0 || c.rules[best].context == none {
		return "", false
	}
	return c.rules[best].context, true
}

func (r *rule) matches(key string, mode uint32) bool {
	if r.typ != 0 && r.typ != mode&fileType || !strings.HasPrefix(key, r.prefix) {
		return false
	}
	if r.literal {
		return key == r.prefix
	}
	if r.re == nil { // compiled on first use: most rules are never used
		r.re = regexp.MustCompile(anchored(r.text))
	}
	return r.re.MatchString(key)
}

// substitute replaces the beginning of path by the first of subs that matches it.
func substitute(subs []sub, path string) string {
	for _, s := range subs {
		rest, ok := strings.CutPrefix(path, s.from)
		if ok && (rest == "" || rest[0] == '/') {
			if s.to == "/" && rest != "" {
				return rest
			}
			return s.to + rest
		}
	}
	return path
}

// latin1 makes a rune of each byte of s, because libselinux matches bytes.
func latin1(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x80 }) {
		return s
	}
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return string(runes)
}

// order sorts the rules as libselinux does, with those without meta characters last, and builds
// the index.
func (c *Contexts) order() {
	slices.SortStableFunc(c.rules, func(a, b rule) int {
		switch {
		case a.exact == b.exact:
			return 0
		case a.exact:
			return 1
		}
		return -1
	})
	c.byDir = map[string][]int{}
	for i, r := range c.rules {
		dir := r.prefix[:max(0, strings.LastIndexByte(r.prefix, '/'))]
		c.byDir[dir] = append(c.byDir[dir], i)
	}
}

// Error is a fault in one line.
type Error struct {
	File string
	Line int
	Msg  string
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Msg) }

// Errors are the faults of all lines.
type Errors []*Error

func (list Errors) Error() string {
	var lines []string
	for _, e := range list {
		lines = append(lines, e.Error())
	}
	return strings.Join(lines, "\n")
}
