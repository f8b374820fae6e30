package manifests

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// maxInclude is the largest size of an included file, in bytes.
const maxInclude = 16 << 20

// includer reads the files that a manifest includes.
type includer struct {
	*decoder
	opt    Options
	all    *variables // records the names of all variables
	files  []*part    // in the order in which they were opened
	failed bool       // a file could not be read; that is reported
}

// part is the manifest or a file that it includes.
type part struct {
	name string
	info os.FileInfo // nil if the manifest is no file
	at   Pos         // where it is included
	open bool        // the files that it includes are being read
	vars *node       // its variables, or nil
}

// include returns top, the manifest, merged with the files that it includes. It returns nil if
// one of them cannot be read.
func include(d *decoder, top *node, opt Options, all *variables) *node {
	in := &includer{decoder: d, opt: opt, all: all}
	main := &part{name: d.file}
	main.info, _ = os.Stat(opt.File)
	whole := in.merge(main, top)
	if in.failed {
		return nil
	}
	for _, f := range in.files[1:] {
		d.included = append(d.included, f.name)
	}
	return whole
}

// merge returns top, which p holds, merged with the files that it includes.
func (in *includer) merge(p *part, top *node) *node {
	in.files = append(in.files, p)
	in.all.mention(top)
	in.dropExtensions(top)
	if vars, ok := in.peek(top, &topSection, "vars"); ok {
		p.vars = vars.val
	}
	p.open = true
	defer func() { p.open = false }()
	var base *node
	for _, item := range in.paths(top) {
		if included := in.file(p, item); included != nil {
			base = in.overlay("", base, included)
		}
	}
	return in.overlay("", base, top)
}

// paths removes the key include and returns its items.
func (in *includer) paths(top *node) []*node {
	f, _ := in.peek(top, &topSection, "include")
	top.fields = slices.DeleteFunc(top.fields, func(f field) bool { return f.key == "include" })
	switch n := f.val; {
	case n == nil || n.null || n.kind == broken:
		return nil
	case n.kind != list:
		in.want(n, "a list", "include")
		return nil
	default:
		return n.items
	}
}

// file returns what the file named by item holds, merged with the files that it includes in
// turn. It returns nil for a file that another one has included, or that cannot be read.
func (in *includer) file(by *part, item *node) *node {
	in.scope().expand(item)
	text, ok := parse(in.decoder, item, "include", parseHostFile)
	if !ok {
		in.failed = true
		return nil
	}
	top, p, err := in.load(by, text, item.pos)
	if err != nil {
		in.errorf(item.pos, "include %s: %w", quote(text), err)
		in.failed = true
		return nil
	}
	if top == nil {
		return nil
	}
	return in.merge(p, top)
}

// load reads the file that by names as text, at a place. Without an error it may return nil: for
// a file that has been included before, and for one whose problems are reported.
func (in *includer) load(by *part, text string, at Pos) (*node, *part, error) {
	dir := filepath.Dir(by.name)
	if by == in.files[0] && by.info == nil {
		dir = in.opt.Dir
	}
	p := &part{name: join(dir, text), at: at}
	var err error
	if p.info, err = os.Stat(p.name); err != nil {
		return nil, nil, p.unread(err)
	}
	if again, err := in.again(by, p); again || err != nil {
		return nil, nil, err
	}
	data, err := p.read()
	if err != nil {
		return nil, nil, p.unread(err)
	}
	d := &decoder{report: &report{file: p.name}, asked: in.asked}
	top := d.read(data)
	if top != nil && top.has("version") && !d.version(top) {
		top = nil
	}
	in.errs = append(in.errs, d.errs...)
	in.failed = in.failed || top == nil
	return top, p, nil
}

// again reports whether another file has included p already, under the same name: p then counts
// once. It returns an error for a circle, for a second mention by the same file, and for a second
// name of the file.
func (in *includer) again(by, p *part) (bool, error) {
	for i, f := range in.files {
		switch {
		case !os.SameFile(f.info, p.info):
		case f.open:
			var circle []string
			for _, f := range in.files[i:] {
				if f.open {
					circle = append(circle, f.name)
				}
			}
			return false, fmt.Errorf("files include each other in a circle: %s, %s", strings.Join(circle, ", "), f.name)
		case f.at.File == by.name || f.name != p.name:
			return false, fmt.Errorf("%s is included already, at %s", f.name, f.at)
		default:
			return true, nil
		}
	}
	return false, nil
}

// read returns the contents of the file.
func (p *part) read() ([]byte, error) {
	if !p.info.Mode().IsRegular() && !p.info.IsDir() { // a FIFO would block
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(p.name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxInclude+1))
	if err == nil && len(data) > maxInclude {
		err = syscall.EFBIG
	}
	return data, err
}

// unread returns the cause of an error with the place of the file.
func (p *part) unread(err error) error {
	if inner := (*os.PathError)(nil); errors.As(err, &inner) {
		err = inner.Err
	}
	return fmt.Errorf("read %s: %w", quote(p.name), err)
}

// scope returns the variables for paths under include: those of the open files. The outermost
// file wins. Its values are copies, because more variables may come with what is included.
func (in *includer) scope() *variables {
	v := newVariables(in.report, in.opt)
	for _, p := range slices.Backward(in.files) {
		if !p.open || p.vars == nil {
			continue
		}
		for _, f := range p.vars.fields {
			val := *f.val
			v.define(field{f.key, f.pos, &val})
		}
	}
	return v
}

// overlay returns the value of key in an including file, own, on top of that in the included
// files, which may be nil. Mappings merge, the items of a list come behind those of base, and
// any other value takes the place of base.
func (r *report) overlay(key string, base, own *node) *node {
	switch {
	case base == nil || base.null || own.kind == broken:
		return own
	case own.null && base.kind != scalar, base.kind == broken:
		return base
	case base.kind == mapping && own.kind == mapping && key != "compress" && key != "payload":
		own.fields = r.overlayFields(base.fields, own.fields)
	case base.kind == list && own.kind == list:
		own.items = slices.Concat(base.items, own.items)
	case base.kind == list || own.kind == list:
		r.errorf(own.pos, "%s: want %s as at %s, got %s", key, base.kind, base.pos, own.kind)
		own.kind = broken
	}
	return own
}

func (r *report) overlayFields(base, own []field) []field {
	at := map[string]int{}
	for i, f := range own {
		at[f.key] = i
	}
	for _, f := range base {
		if i, ok := at[f.key]; ok {
			own[i].val = r.overlay(f.key, f.val, own[i].val)
		} else {
			own = append(own, f)
		}
	}
	return own
}
