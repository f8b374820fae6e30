package selinux

import (
	"errors"
	"io/fs"
	"regexp/syntax"
	"strings"
)

// Read reads the file_contexts called name and, where they exist, the files that belong to it:
// .homedirs and .local with further rules, .subs and .subs_dist with substitutions. It reads
// them with readFile, such as [os.ReadFile]. Faults in the files are an error of type [Errors].
func Read(name string, readFile func(string) ([]byte, error)) (*Contexts, error) {
	c := new(Contexts)
	var problems Errors
	for _, suffix := range []string{"", ".homedirs", ".local", ".subs_dist", ".subs"} {
		data, err := readFile(name + suffix)
		if suffix != "" && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		number := 0
		for line := range strings.Lines(string(data)) {
			number++
			fields := strings.Fields(line)
			if len(fields) == 0 || fields[0][0] == '#' {
				continue
			}
			var msg string
			switch suffix {
			case ".subs":
				msg = addSub(&c.subs, fields)
			case ".subs_dist":
				msg = addSub(&c.subDist, fields)
			default:
				msg = c.addRule(fields)
			}
			if msg != "" {
				problems = append(problems, &Error{name + suffix, number, msg})
			}
		}
	}
	if len(problems) > 0 {
		return nil, problems
	}
	c.order()
	return c, nil
}

// addSub adds a line of substitutions and returns its fault, or "". Later lines are tried
// first.
func addSub(subs *[]sub, fields []string) string {
	if len(fields) < 2 {
		return "want two paths"
	}
	*subs = append([]sub{{fields[0], fields[1]}}, *subs...)
	return ""
}

var fileTypes = map[string]uint32{
	"-b": 0o060000, "-c": 0o020000, "-d": 0o040000, "-p": 0o010000, "-l": 0o120000, "-s": 0o140000, "--": 0o100000,
}

// addRule adds a line "REGEX [TYPE] CONTEXT" and returns its fault, or "". Words behind the
// third are ignored, as in libselinux.
func (c *Contexts) addRule(fields []string) string {
	if len(fields) < 2 {
		return "want a regular expression, perhaps a file type, and a context"
	}
	r := rule{text: fields[0], context: fields[1], exact: !hasMeta(fields[0])}
	if len(fields) > 2 {
		var ok bool
		if r.typ, ok = fileTypes[fields[1]]; !ok {
			return "file type " + fields[1] + ": want one of -- -b -c -d -l -p -s"
		}
		r.context = fields[2]
	}
	for _, word := range fields[:min(3, len(fields))] {
		if strings.ContainsFunc(word, func(c rune) bool { return c >= 0x80 }) {
			return word + ": not ASCII"
		}
	}
	tree, err := syntax.Parse(anchored(r.text), syntax.Perl)
	if err != nil {
		return r.text + ": " + reason(err)
	}
	r.prefix, r.literal = literal(tree)
	c.rules = append(c.rules, r)
	return ""
}

// reason returns the fault of an expression. It leaves out the anchor that was added to the
// expression.
func reason(err error) string {
	if e, ok := err.(*syntax.Error); ok {
		msg := string(e.Code)
		if e.Code != syntax.ErrMissingParen && e.Code != syntax.ErrUnexpectedParen {
			msg += ": " + strings.TrimSuffix(e.Expr, "$")
		}
		return msg
	}
	return err.Error()
}

// anchored returns a rule's expression as libselinux compiles it. A | at its top level
// separates the anchors.
func anchored(text string) string { return "(?s)^" + text + "$" }

// hasMeta reports whether libselinux (spec_hasMetaChars) finds meta characters in text. A
// backslash escapes the character behind it.
func hasMeta(text string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' {
			i++
		} else if strings.IndexByte(".^$?*+|[({", text[i]) >= 0 {
			return true
		}
	}
	return false
}

// literal returns the text that every match of tree begins with, and whether that is the whole
// match.
func literal(tree *syntax.Regexp) (prefix string, whole bool) {
	if tree.Op != syntax.OpConcat || len(tree.Sub) < 2 || tree.Sub[0].Op != syntax.OpBeginText ||
		tree.Sub[1].Op != syntax.OpLiteral || tree.Sub[1].Flags&syntax.FoldCase != 0 {
		return "", false
	}
	return string(tree.Sub[1].Rune), len(tree.Sub) == 3 && tree.Sub[2].Op == syntax.OpEndText
}
