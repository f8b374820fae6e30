package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// listSource takes the entries of a list for gen_init_cpio (usr/gen_init_cpio.c of the kernel).
// As in an archive, directories are implied.
type listSource struct{ *manifests.List }

func (l listSource) Entries(ctx context.Context, env *Env) ([]*plan.Entry, error) {
	j := env.job(&l.Item)
	content, err := readAll(l.Src)
	if l.Optional && errors.Is(err, fs.ErrNotExist) {
		j.inputAbove(l.Src)
		return nil, nil
	}
	if err != nil {
		return nil, plan.Errors{j.fail(l.Src, err, "")}
	}
	j.input(l.Src)
	r := &listReader{List: l.List, job: j, number: j.archive(), lines: map[string]listed{}}
	var problems plan.Errors
	for i, line := range strings.Split(string(content), "\n") {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		r.line = i + 1
		// The origin of an entry is its line of the list.
		r.origin = fmt.Sprintf("%s: %s:%d", j.origin, l.Src, r.line)
		if err := problems.Add(r.read(line)); err != nil {
			problems = append(problems, r.fail(fmt.Sprintf("%.60q", line), err, ""))
		}
		if int64(len(r.entries)) > j.Limits.entries() {
			return nil, plan.Errors{j.fail(l.Src, j.Limits.tooMany(), "")}
		}
	}
	r.origin = j.origin
	r.tell()
	return r.entries, problems.Sorted()
}

// listReader is a list being read.
type listReader struct {
	*manifests.List
	job
	number  int32 // becomes [plan.Entry.Source]
	line    int
	lines   map[string]listed // by the path of an entry
	again   tally             // paths that a later line gives again
	extra   tally             // paths with more fields than their type has
	noted   notes
	entries []*plan.Entry
}

// listed is the last line for a path.
type listed struct {
	entry *plan.Entry
	line  int
	names int // of the file
}

// listKinds are the types of a list, with the number of fields behind the name of each.
var listKinds = map[string]struct {
	mode   uint32
	fields int
	usage  string
}{
	"file":  {plan.TypeFile, 4, "file NAME LOCATION MODE UID GID [NAME...]"},
	"dir":   {plan.TypeDir, 3, "dir NAME MODE UID GID"},
	"nod":   {plan.TypeChar, 6, "nod NAME MODE UID GID b|c MAJOR MINOR"},
	"slink": {plan.TypeLink, 4, "slink NAME TARGET MODE UID GID"},
	"pipe":  {plan.TypeFIFO, 3, "pipe NAME MODE UID GID"},
	"sock":  {plan.TypeSocket, 3, "sock NAME MODE UID GID"},
}

// read reads a line of the list.
func (r *listReader) read(line string) error {
	if strings.HasPrefix(line, "#") {
		return nil
	}
	fields := strings.FieldsFunc(line, func(c rune) bool { return strings.ContainsRune(" \t\r\v\f", c) })
	if len(fields) == 0 {
		return nil
	}
	kind, known := listKinds[fields[0]]
	switch {
	case strings.ContainsRune(line, 0):
		return errors.New("a NUL character in the line")
	case line[0] == ' ' || line[0] == '\t':
		return errors.New("begins with a blank: gen_init_cpio leaves such a line out")
	case !known:
		return advise("known: file, dir, nod, slink, pipe, sock", "unknown type %.60q", fields[0])
	case len(fields) < kind.fields+2:
		return advise(kind.usage, "%d fields, where %s has %d", len(fields), fields[0], kind.fields+2)
	}
	name, err := listName(fields[1], kind.mode)
	if err != nil {
		return err
	}
	e := r.entry(name, kind.mode)
	args, more := fields[2:kind.fields+2], fields[kind.fields+2:]
	if fields[0] == "file" {
		return r.file(e, args, more)
	}
	if len(more) > 0 {
		r.extra.add(e.Path)
	}
	if e.IsLink() {
		e.Target, args = args[0], args[1:]
	}
	if len(args) > 3 {
		if err := setNumber(e, args[3:]); err != nil {
			return err
		}
	}
	attr, err := r.attr(e.Mode, args)
	if err != nil {
		return err
	}
	r.set(e, attr, nil)
	if e.IsLink() {
		*attr.Mode = 0o777 // Linux has no other
	}
	return r.add(e.Mode|*attr.Mode, e)
}

// file adds a file of the host, with its further names.
func (r *listReader) file(e *plan.Entry, args, more []string) error {
	attr, err := r.attr(e.Mode, args[1:])
	if err != nil {
		return err
	}
	src, err := r.location(args[0])
	if err != nil {
		return err
	}
	f := fileReader{File: &manifests.File{Attr: *attr, SrcXattrs: r.SrcXattrs, Follow: true}, job: r.job, noted: r.noted}
	for _, name := range more {
		link, err := listName(name, plan.TypeFile)
		if err != nil {
			return err
		}
		f.Links = append(f.Links, link)
	}
	found, problem := f.one(src, e.Path)
	if problem != nil {
		return plan.Errors{problem}
	}
	r.noted = f.noted
	return r.add(found[0].Mode, found...)
}

// add takes the names of one file. A name that an earlier line has is an error if the kernel would
// make a mixture of both.
func (r *listReader) add(mode uint32, names ...*plan.Entry) error {
	for _, e := range names {
		before, again := r.lines[e.Path]
		switch b := before.entry; {
		case !again:
		case len(names) > 1 || before.names > 1:
			return fmt.Errorf("%s is a name of line %d already, and a file with several names can have each only once", e.Path, before.line)
		case b.Mode&plan.TypeMask == mode&plan.TypeMask && (b.Major != e.Major || b.Minor != e.Minor):
			return fmt.Errorf("%s is a device of line %d already, and the kernel would keep the number of that", e.Path, before.line)
		case !e.IsDir() || b.Mode != mode || b.UID != e.UID || b.GID != e.GID:
			r.again.add(e.Path)
		}
		r.lines[e.Path] = listed{e, r.line, len(names)}
		e.Source, e.Brought, e.Implied = r.number, true, e.IsDir()
	}
	names[0].Mode = mode
	r.entries = append(r.entries, names...)
	return nil
}

// tell warns about what the list has and the image has not.
func (r *listReader) tell() {
	if len(r.entries) == 0 {
		r.warn("%s: no entries in it", r.Src)
	}
	if r.again.n > 0 {
		r.warn("%s: several lines for one path, of which the last one counts: %s", r.Src, &r.again)
	}
	if r.extra.n > 0 {
		r.warn("%s: text behind the last field is left out, as gen_init_cpio does: %s", r.Src, &r.extra)
	}
	r.holdTimes(r.entries)
	r.noted.tell(&r.job, r.SrcXattrs != manifests.XattrsDrop)
}

// listName returns the path of an entry.
func listName(name string, kind uint32) (string, error) {
	clean := path.Clean("/" + name)
	switch {
	case hasUp(name):
		return "", fmt.Errorf("name %.100q: has .. in it", name)
	case kind != plan.TypeDir && (strings.HasSuffix(name, "/") || clean == "/"):
		return "", fmt.Errorf("name %.100q: only a directory has such a name", name)
	}
	return clean, nil
}

// attr reads mode, user and group of an entry of a type. The mode may have the type in it.
func (r *listReader) attr(kind uint32, args []string) (*manifests.Attr, error) {
	mode, err := strconv.ParseUint(args[0], 8, 32)
	bits := uint32(mode)
	if bits&plan.TypeMask == kind {
		bits &^= plan.TypeMask
	}
	if err != nil || bits > 0o7777 {
		return nil, fmt.Errorf("mode %.60q: want octal digits, 07777 at most", args[0])
	}
	var ids [2]uint32
	for i, what := range []string{"uid", "gid"} {
		id, err := listNumber(what, args[i+1])
		if err != nil {
			return nil, err
		}
		ids[i] = id
	}
	return &manifests.Attr{Mode: &bits, Owner: manifests.Owner{UID: &ids[0], GID: &ids[1]}, MTime: r.MTime}, nil
}

func listNumber(what, text string) (uint32, error) {
	number, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("%s %.60q: want a number, 4294967295 at most", what, text)
	}
	return uint32(number), nil
}

// setNumber makes e the device of a type, a major and a minor.
func setNumber(e *plan.Entry, args []string) (err error) {
	switch args[0] {
	case "b":
		e.Mode = plan.TypeBlock
	case "c":
	default:
		return fmt.Errorf("type of device %.60q: want b or c", args[0])
	}
	if e.Major, err = listNumber("major", args[1]); err != nil {
		return err
	}
	if e.Minor, err = listNumber("minor", args[2]); err != nil {
		return err
	}
	if e.Major >= 1<<12 || e.Minor >= 1<<20 {
		return errors.New("majors end at 4095 and minors at 1048575")
	}
	return nil
}

// location returns a path of the host. Unlike gen_init_cpio it takes no variables from the
// environment.
func (r *listReader) location(text string) (string, error) {
	var b strings.Builder
	rest := text
	for {
		before, tail, opened := strings.Cut(rest, "${")
		name, after, closed := strings.Cut(tail, "}")
		if !opened || !closed {
			break
		}
		value, ok := r.Vars[name]
		if !ok {
			return "", advise(fmt.Sprintf("add vars: {%s: ...} to the item", name), "location %.100q: undefined variable %.60q", text, name)
		}
		b.WriteString(before + value)
		rest = after
	}
	b.WriteString(rest)
	src := b.String()
	switch {
	case src == "":
		return "", fmt.Errorf("location %.100q: empty", text)
	case filepath.IsAbs(src):
		return src, nil
	}
	return filepath.Join(r.Dir, src), nil
}
