package builder

import (
	"context"
	"errors"
	"slices"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/builder/source"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// gather asks the sources of all items for their entries, in the manifest's
// order. Every problem of every item is reported.
func (b *build) gather(ctx context.Context) ([]*plan.Entry, error) {
	b.sources = source.Env{
		Clock: b.clock(), Arch: b.arch, Stdin: b.options.Stdin, NoStub: b.manifest.Root.Type == manifests.None,
		Fakeroot: b.options.Fakeroot, Input: b.input, Warn: b.warning,
	}
	var entries []*plan.Entry
	var problems plan.Errors
	for _, c := range b.manifest.Contents {
		found, err := entriesOf(ctx, &b.sources, c)
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
	return b.addInit(ctx, entries)
}

// entriesOf asks one item of contents for its entries.
func entriesOf(ctx context.Context, env *source.Env, c manifests.Content) ([]*plan.Entry, error) {
	s, err := source.Of(c)
	if err != nil {
		return nil, err
	}
	return s.Entries(ctx, env)
}

// addInit gives the root a link to the program at /init, unless it has something there.
// The kernel looks for it in a root without a stub. In any other, switch_root of busybox
// does, and run-init of klibc in some versions (2.0.12 does not), to be sure that they
// empty an initramfs and no disk.
func (b *build) addInit(ctx context.Context, entries []*plan.Entry) ([]*plan.Entry, error) {
	const path = "/init"
	if exec := b.manifest.Init.Exec; exec == "" || exec == path ||
		slices.ContainsFunc(entries, func(e *plan.Entry) bool { return e.Path == path }) {
		return entries, nil
	}
	link, err := entriesOf(ctx, &b.sources, &manifests.Symlink{
		Item:   manifests.Item{Pos: b.manifest.Init.ExecPos, Dst: path},
		Target: b.manifest.Init.Exec,
	})
	return append(entries, link...), err
}

// warning notes something that the report warns of.
func (b *build) warning(text string) { b.report.Warnings = append(b.report.Warnings, text) }

func (b *build) clock() source.Clock {
	if b.options.Epoch == nil {
		return source.Clock{}
	}
	return source.Clock{Epoch: *b.options.Epoch, Set: true}
}

func (b *build) planOptions() plan.Options {
	o := plan.Options{
		RootMode: *b.manifest.Root.Mode,
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
