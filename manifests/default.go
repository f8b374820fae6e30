package manifests

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Default returns the manifest that says nothing but its version: a tmpfs root without
// contents, every key at its default.
func Default() *Manifest {
	d := &decoder{report: &report{}}
	return d.manifest(&node{kind: mapping})
}

// Complete returns a copy of m in which every empty value has its default. A program needs
// it for a manifest that it has put together by hand. Values that no manifest file could
// have are an error of type [Errors].
func (m *Manifest) Complete() (*Manifest, error) {
	full, standard := *m, Default()
	full.Compress = m.Compress.or(standard.Compress)
	full.Root.complete(standard.Root)
	full.Init.complete(standard.Init, full.Root.Type)
	var errs Errors
	check := func(pos Pos, err error) {
		for _, one := range split(err) {
			errs = append(errs, problem(pos, one))
		}
	}
	check(m.Pos, full.Root.check())
	check(m.Init.Pos, full.Init.check())
	if m.Arch != "" {
		_, err := ParseArch(m.Arch)
		check(m.Pos, err)
	}
	for _, c := range m.Contents {
		check(c.Common().Pos, c.check())
	}
	if len(errs) > 0 {
		return nil, errs.sorted()
	}
	return &full, nil
}

// split takes apart what errors.Join has put together.
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

func (c Compression) or(standard Compression) Compression {
	if c.Codec == "" && c.Command == nil {
		c.Codec = standard.Codec
	}
	return c
}

func (r *Root) complete(standard Root) {
	r.Type = cmp.Or(r.Type, standard.Type)
	r.Mode = cmp.Or(r.Mode, standard.Mode)
	r.Payload = r.Payload.or(standard.Payload)
	r.Extra = cmp.Or(r.Extra, standard.Extra)
	r.Xattrs = cmp.Or(r.Xattrs, standard.Xattrs)
}

func (r *Root) check() error {
	return errors.Join(
		rootSection.check("type", string(r.Type)),
		rootSection.check("extra", r.Extra),
		rootSection.check("xattrs", r.Xattrs),
		checkMode(r.Mode),
	)
}

// complete fills i in for a root of the given type. Only a root of type none can do
// without a program.
func (i *Init) complete(standard Init, root RootType) {
	if root != None {
		i.Exec = cmp.Or(i.Exec, standard.Exec)
	}
	i.OnError = cmp.Or(i.OnError, standard.OnError)
	i.Cmdline = cmp.Or(i.Cmdline, standard.Cmdline)
	if i.Supervise != nil {
		s, how := *i.Supervise, defaultSupervise()
		s.OnExit = cmp.Or(s.OnExit, how.OnExit)
		s.RestartDelay = cmp.Or(s.RestartDelay, how.RestartDelay)
		i.Supervise = &s
	}
	i.Mounts = slices.Clone(i.Mounts)
	for n := range i.Mounts {
		i.Mounts[n].Source = cmp.Or(i.Mounts[n].Source, i.Mounts[n].Type)
	}
}

func (i *Init) check() error {
	errs := []error{initSection.check("on_error", i.OnError), initSection.check("cmdline", i.Cmdline)}
	if i.Exec != "" {
		errs = append(errs, checkText("exec", i.Exec, parsePath))
	}
	if i.Supervise != nil {
		errs = append(errs, superviseSection.check("on_exit", i.Supervise.OnExit))
	}
	for _, m := range i.Mounts {
		errs = append(errs, checkText("type", m.Type, parseWord), checkText("target", m.Target, parseMountpoint))
	}
	for _, name := range i.Rdinit {
		errs = append(errs, checkText("rdinit", name.Path, parseRdinit))
	}
	return errors.Join(errs...)
}

func defaultSupervise() *Supervise {
	d := &decoder{report: &report{}}
	return d.supervise(&node{kind: mapping})
}

// check returns an error if word is not among the values of a key.
func (s *Section) check(key, word string) error {
	if known := s.key(key).Values; !slices.Contains(known, word) {
		return unknown(key, word, known)
	}
	return nil
}

// checkText returns the error of reading text as the value of key.
func checkText[T any](key, text string, read func(string) (T, error)) error {
	if _, err := read(text); err != nil {
		return fmt.Errorf("%s %s: %w", key, quote(text), err)
	}
	return nil
}

func checkMode(mode *uint32) error {
	if mode == nil || *mode <= 0o7777 {
		return nil
	}
	return checkText("mode", fmt.Sprintf("%o", *mode), parseMode)
}

// checkDst returns an error if the item cannot be at its place. Where top is true, that may
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
