package manifests

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// check returns an error for every value of a complete manifest that no manifest file could
// have.
func (m *Manifest) check(standard *Manifest) Errors {
	var errs Errors
	add := func(pos Pos, err error) {
		for _, one := range split(err) {
			errs = append(errs, problem(pos, one))
		}
	}
	root := m.Root.Type
	add(m.Pos, topSection.onlyFor("selinux", m.SELinux != nil, root))
	if m.Arch != "" {
		_, err := parseManifestArch(m.Arch)
		add(m.Pos, err)
	}
	add(m.Pos, m.Root.check(&standard.Root))
	add(m.Pos, checkLevel("compress", m.Compress, codecs))
	add(m.Pos, m.Output.check())
	add(m.Init.Pos, m.Init.check(&standard.Init, root))
	add(m.Pos, errors.Join(checkGlobs("boot", m.Boot, parsePattern), checkGlobs("remove", m.Remove, parsePattern)))
	if m.Accounts != nil {
		add(m.Accounts.Pos, m.Accounts.check())
	}
	for _, f := range m.Early {
		add(f.Pos, checkText("early", f.Src, parseHostFile))
	}
	for _, c := range m.Contents {
		if c == nil || reflect.ValueOf(c).IsNil() {
			add(m.Pos, errNoType)
			continue
		}
		add(c.Common().Pos, c.check(root))
		add(c.Common().Pos, checkLibs(c, m.Sysroot))
	}
	for _, p := range m.Permissions {
		add(p.Glob.Pos, p.check(root))
	}
	return errs
}

// split returns the errors that errors.Join has joined.
func split(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range joined.Unwrap() {
			all = append(all, split(one)...)
		}
		return all
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

func (r *Root) check(standard *Root) error {
	payload := r.Payload.Command != nil || r.Payload.Codec != standard.Payload.Codec
	return errors.Join(
		rootSection.check("type", string(r.Type)),
		rootSection.check("extra", r.Extra),
		rootSection.check("xattrs", r.Xattrs),
		checkMode(r.Mode),
		r.Size.check(),
		checkNumber("inodes", r.Inodes, parseInodes),
		checkLevel("payload", r.Payload, payloadCodecs),
		rootSection.onlyFor("size", r.Size != standard.Size, r.Type),
		rootSection.onlyFor("inodes", r.Inodes != standard.Inodes, r.Type),
		rootSection.onlyFor("payload", payload, r.Type),
		rootSection.onlyFor("extra", r.Extra != standard.Extra, r.Type),
		rootSection.onlyFor("xattrs", r.Xattrs != standard.Xattrs, r.Type),
	)
}

func (i *Init) check(standard *Init, root RootType) error {
	errs := []error{
		initSection.check("on_error", i.OnError),
		initSection.check("cmdline", i.Cmdline),
		initSection.onlyFor("from", i.From != "", root),
		initSection.onlyFor("args", len(i.Args) > 0, root),
		initSection.onlyFor("env", len(i.Env) > 0, root),
		initSection.onlyFor("user", i.User != nil, root),
		initSection.onlyFor("groups", i.Groups != nil, root),
		initSection.onlyFor("workdir", i.Workdir.Path != "", root),
		initSection.onlyFor("mounts", len(i.Mounts) > 0, root),
		initSection.onlyFor("modules", len(i.Modules) > 0, root),
		initSection.onlyFor("on_error", i.OnError != standard.OnError, root),
		initSection.onlyFor("cmdline", i.Cmdline != standard.Cmdline, root),
		initSection.onlyFor("rdinit", len(i.Rdinit) > 0, root),
		initSection.onlyFor("supervise", i.Supervise != nil, root),
	}
	if i.From != "" {
		errs = append(errs, initSection.check("from", i.From))
	}
	if i.Exec != "" {
		errs = append(errs, checkText("exec", i.Exec, parsePath))
	}
	for _, arg := range i.Args {
		errs = append(errs, checkText("args", arg, parseText))
	}
	for _, variable := range i.Env {
		errs = append(errs, checkText("env", variable, parseVariableSetting))
	}
	errs = append(errs, checkProcess(i))
	if i.Supervise != nil {
		errs = append(errs, superviseSection.check("on_exit", i.Supervise.OnExit), checkText("restart_delay", i.Supervise.RestartDelay.String(), parseDelay))
	}
	for _, m := range i.Mounts {
		errs = append(errs, checkText("type", m.Type, parseWord), checkText("target", m.Target, parseMountpoint))
	}
	for _, m := range i.Modules {
		errs = append(errs, checkText("modules", m.Name, parseModuleName))
	}
	for _, name := range i.Rdinit {
		errs = append(errs, checkText("rdinit", name.Path, parseRdinit))
	}
	return errors.Join(errs...)
}

func (p *Permission) check(root RootType) error {
	return errors.Join(checkText("path", p.Glob.Pattern, parsePattern), checkMode(p.Mode), checkMode(p.DirMode), p.Owner.check(), checkXattrs(p.Xattrs, root))
}

// check returns an error if word is not among the values of a key.
func (s *Section) check(key, word string) error {
	if known := s.key(key).Values; !slices.Contains(known, word) {
		return unknown(key, word, known)
	}
	return nil
}

// onlyFor returns an error if a key is given that does nothing under a type of root.
func (s *Section) onlyFor(key string, given bool, root RootType) error {
	roots := s.key(key).Roots
	if !given || roots == nil || slices.Contains(roots, root) || !slices.Contains([]RootType{Tmpfs, Bind, None}, root) {
		return nil
	}
	return doesNothing(key, "under root.type: "+string(root))
}

// checkText returns the error of reading text as the value of key.
func checkText[T any](key, text string, read func(string) (T, error)) error {
	if _, err := read(text); err != nil {
		return fmt.Errorf("%s %s: %w", key, quote(text), err)
	}
	return nil
}

// checkNumber returns the error of reading n, which is not 0, as the value of key.
func checkNumber[T any](key string, n int64, read func(string) (T, error)) error {
	if n == 0 {
		return nil
	}
	return checkText(key, strconv.FormatInt(n, 10), read)
}

func (o *Output) check() error {
	return errors.Join(
		outputSection.check("layout", string(o.Layout)),
		outputSection.check("wrap", string(o.Wrap)),
		checkNumber("max_size", o.MaxSize, ParseSize),
		checkNumber("max_unpacked", o.MaxUnpacked, ParseSize),
	)
}

func (s Size) check() error {
	if s.Percent != 0 {
		return checkText("size", strconv.Itoa(s.Percent)+"%", parseRootSize)
	}
	return checkNumber("size", s.Bytes, parseRootSize)
}

// checkLevel returns an error if the codec of c, which key names, does not have the level.
func checkLevel(key string, c Compression, known []codec) error {
	found, err := findCodec(c.Codec, known)
	if err != nil || c.Command != nil {
		return nil // the builder looks for it
	}
	return checkNumber(key+" level", int64(c.Level), found.level)
}

func checkGlobs(key string, globs []Glob, read func(string) (string, error)) error {
	var errs []error
	for _, g := range globs {
		errs = append(errs, checkText(key, g.Pattern, read))
	}
	return errors.Join(errs...)
}

func checkMode(mode *uint32) error {
	if mode == nil || *mode <= 0o7777 {
		return nil
	}
	return checkText("mode", fmt.Sprintf("%o", *mode), parseMode)
}

// check returns an error if the attributes cannot be those of an entry in a root of the
// given type.
func (a *Attr) check(root RootType) error {
	return errors.Join(checkMode(a.Mode), a.Owner.check(), checkXattrs(a.Xattrs, root))
}

func (o Owner) check() error {
	var errs []error
	for _, name := range []string{o.User, o.Group} {
		if name != "" {
			errs = append(errs, checkText("owner", name, parseAccount))
		}
	}
	return errors.Join(errs...)
}

func checkXattrs(xattrs map[string]string, root RootType) error {
	if root == None && len(xattrs) > 0 {
		return doesNothing("xattrs", noXattrs)
	}
	var errs []error
	for name := range xattrs {
		errs = append(errs, checkText("xattrs", name, parseXattrName))
	}
	return errors.Join(errs...)
}

func (r XattrRule) check(root RootType) error {
	if root == None && r == XattrsKeep {
		return doesNothing("xattrs", noXattrs)
	}
	return nil
}

// checkDst returns an error if the item cannot be at its place. If top is true, the place may
// be the root itself.
func (i *Item) checkDst(top bool) error {
	if top && i.Dst == "/" {
		return nil
	}
	return checkText("dst", i.Dst, parseNewPath)
}

func checkLinks(links []string) error {
	var errs []error
	for _, link := range links {
		errs = append(errs, checkText("links", link, parseNewPath))
	}
	return errors.Join(errs...)
}

// checkSource returns an error if there is no source.
func checkSource(name, src string) error {
	if src == "" {
		return fmt.Errorf("%s needs src", name)
	}
	return nil
}

// parseVariableSetting reads NAME=value.
func parseVariableSetting(text string) (string, error) {
	if name, _, ok := strings.Cut(text, "="); !ok || name == "" {
		return "", errEnvName
	}
	return parseText(text)
}
