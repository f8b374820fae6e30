package builder

import (
	"context"
	"errors"
	"io"
	"slices"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/builder/source"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// gather asks the sources of all items for their entries, in the manifest's
// order. Every problem of every item is reported.
func (b *build) gather(ctx context.Context) ([]*plan.Entry, error) {
	var entries []*plan.Entry
	var problems plan.Errors
	for i := range b.manifest.Contents {
		c := &b.manifest.Contents[i]
		found, closer, err := b.source(ctx, c, int32(i+1))
		if closer != nil {
			b.sources = append(b.sources, closer)
		}
		var more plan.Errors
		switch {
		case errors.As(err, &more):
			problems = append(problems, more...)
		case err != nil:
			return nil, err
		}
		entries = append(entries, found...)
	}
	if err := problems.Sorted(); err != nil {
		return nil, err
	}
	return b.addInit(entries), nil
}

// addInit gives the root a link to the program at /init, unless it has something there.
// The kernel looks for it in a root without a stub. In any other, switch_root of busybox
// does, and run-init of klibc in some versions (2.0.12 does not), to be sure that they
// empty an initramfs and no disk.
func (b *build) addInit(entries []*plan.Entry) []*plan.Entry {
	const path = "/init"
	if exec := b.manifest.Init.Exec; exec == "" || exec == path ||
		slices.ContainsFunc(entries, func(e *plan.Entry) bool { return e.Path == path }) {
		return entries
	}
	link := source.Node{
		Item:   source.Item{Origin: b.manifest.Init.ExecPos.String(), Dst: path},
		Type:   plan.TypeLink,
		Target: b.manifest.Init.Exec,
	}
	return append(entries, link.Entry(b.clock()))
}

// source translates one item of contents and asks it for its entries.
func (b *build) source(ctx context.Context, c *manifests.Content, archive int32) ([]*plan.Entry, io.Closer, error) {
	item := source.Item{
		Origin: c.Pos.String(), Dst: c.Dst, Replace: c.Replace, Fakeroot: b.options.Fakeroot, NoStub: b.manifest.Root.Type == manifests.None,
		Input: b.input, Warn: b.warning,
	}
	attr := source.Attr{
		Mode: c.Mode, UID: c.Owner.UID, GID: c.Owner.GID, KeepOwner: c.Owner.Keep,
		MTime: sourceTime(c.MTime), KeepXattrs: c.KeepXattrs, DropXattrs: c.DropXattrs, Xattrs: c.Xattrs,
	}
	switch c.Type {
	case "file":
		f := source.File{
			Item: item, Attr: attr, Src: c.Src, Glob: c.SrcGlob, Text: c.Text, DstDir: c.DstDir,
			Links: c.Links, Follow: c.Follow, Optional: c.Optional,
		}
		entries, err := f.Entries(b.clock())
		return entries, nil, err
	case "tree":
		t := source.Tree{
			Item: item, Attr: attr, DirMode: c.DirMode, Norm: c.Norm, Src: c.Src, Exclude: planGlobs(c.Exclude),
			Follow: c.Follow, Optional: c.Optional, Whiteouts: c.Whiteouts, Archive: archive,
		}
		entries, err := t.Entries(ctx, b.clock())
		return entries, nil, err
	case "tar":
		t := source.Tar{
			Item: item, Src: c.Src, Stdin: b.options.Stdin, Exclude: planGlobs(c.Exclude), Optional: c.Optional,
			KeepXattrs: c.KeepXattrs, DropXattrs: c.DropXattrs, Whiteouts: c.Whiteouts, Archive: archive,
		}
		return t.Entries(ctx, b.clock())
	case "go":
		g := source.Go{
			Item: item, Attr: attr, Src: c.Src, Arch: b.arch, DstDir: c.DstDir, Links: c.Links,
		}
		return g.Entries(ctx, b.clock())
	}
	n := source.Node{
		Item: item, Attr: attr, Type: nodeTypes[c.Type], HardLink: c.Type == "hardlink",
		Target: c.Target, Major: c.Major, Minor: c.Minor,
	}
	return []*plan.Entry{n.Entry(b.clock())}, nil, nil
}

// warning notes something that the report warns of.
func (b *build) warning(text string) { b.report.Warnings = append(b.report.Warnings, text) }

var nodeTypes = map[string]uint32{
	"dir": plan.TypeDir, "symlink": plan.TypeLink, "char": plan.TypeChar, "block": plan.TypeBlock,
	"fifo": plan.TypeFIFO, "socket": plan.TypeSocket,
}

func (b *build) clock() source.Clock {
	if b.options.Epoch == nil {
		return source.Clock{}
	}
	return source.Clock{Epoch: *b.options.Epoch, Set: true}
}

func (b *build) planOptions() plan.Options {
	o := plan.Options{
		RootMode: b.manifest.Root.Mode,
		MTime:    b.clock().Epoch,
		Remove:   planGlobs(b.manifest.Remove),
		Warn:     b.warning,
	}
	for _, p := range b.manifest.Permissions {
		rule := plan.Permission{
			Glob: planGlob(p.Glob), Mode: p.Mode, DirMode: p.DirMode, UID: p.Owner.UID, GID: p.Owner.GID, Xattrs: p.Xattrs,
		}
		if p.MTime.Rule == manifests.MTimeSet {
			t := p.MTime.Time.Unix()
			rule.MTime = &t
		}
		o.Permissions = append(o.Permissions, rule)
	}
	return o
}

func planGlob(g manifests.Glob) plan.Glob {
	return plan.Glob{Origin: g.Pos.String(), Pattern: g.Pattern, Optional: g.Optional}
}

func planGlobs(globs []manifests.Glob) []plan.Glob {
	var out []plan.Glob
	for _, g := range globs {
		out = append(out, planGlob(g))
	}
	return out
}

func sourceTime(t manifests.MTime) source.MTime {
	rules := map[manifests.MTimeRule]source.MTimeRule{
		manifests.MTimeDefault: source.MTimeDefault,
		manifests.MTimeKeep:    source.MTimeKeep,
		manifests.MTimeClamp:   source.MTimeClamp,
		manifests.MTimeSet:     source.MTimeSet,
	}
	return source.MTime{Rule: rules[t.Rule], Time: t.Time.Unix()}
}
