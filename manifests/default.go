package manifests

import (
	"cmp"
	"slices"

	"github.com/mkinitfs/mkinitfs/compress"
)

// Default returns the manifest that has only a version: a tmpfs root without contents, with
// every key at its default.
func Default() *Manifest {
	d := &decoder{report: &report{}}
	return d.manifest(&node{kind: mapping})
}

// Complete returns a copy of m with the default in place of every empty value. A manifest
// made by a program needs it. If m is nil, or has values that no manifest file could have, the
// error is of type [Errors].
func (m *Manifest) Complete() (*Manifest, error) {
	if m == nil {
		return nil, Errors{{Msg: "no manifest is given"}}
	}
	full, standard := *m, Default()
	full.Compress = m.Compress.or(standard.Compress)
	full.Root.complete(standard.Root)
	full.Output.Layout = cmp.Or(m.Output.Layout, standard.Output.Layout)
	full.Output.Wrap = cmp.Or(m.Output.Wrap, standard.Output.Wrap)
	full.Init.complete(standard.Init, full.Root.Type)
	if errs := full.check(standard); len(errs) > 0 {
		return nil, errs.sorted()
	}
	return &full, nil
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

// complete fills in the defaults of i for a root of the given type. Only a root of type none
// needs no program.
func (i *Init) complete(standard Init, root RootType) {
	if root != None {
		i.Unasked = i.Unasked || i.Exec == ""
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

func defaultSupervise() *Supervise {
	d := &decoder{report: &report{}}
	return d.supervise(&node{kind: mapping})
}

// PayloadCompression returns the compression of the payload: none unless the root is a tmpfs.
// Auto is zstd on every machine: of the codecs that unpack fast it makes the smallest images.
// A 32-bit MIPS unpacks gzip faster, with a smaller window, but such a machine has little
// flash.
func (r Root) PayloadCompression() Compression {
	c := r.Payload
	switch {
	case r.Type != Tmpfs:
		return Compression{Codec: compress.None}
	case c.Codec == "auto":
		c.Codec = "zstd"
	}
	return c
}
