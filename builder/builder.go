// Package builder makes an image of a manifest.
//
// A build is a chain of stages. Each is a function that takes values and returns one:
//
//   - settle finds out what can fail without reading a source: architecture, codecs, cache;
//   - gather asks the sources of the manifest for entries, and then for the libraries of programs;
//   - planRoot makes a plan of the entries (package plan) and gives them labels;
//   - package lint looks for likely mistakes in the root;
//   - package layout decides what lies where in the image;
//   - package pack packs that on all cores and writes it in order;
//   - report says what was built.
//
// The stub is fetched beside these stages. After planning nobody looks at the manifest's
// contents, and after writing has begun nobody decides anything.
//
// A program can rely on the packages manifests, builder, builder/plan, builder/image and
// compress, and on the types of others that these show: from version 1.0 on, they change
// as semantic versioning allows. All other packages may change with any version.
package builder

import (
	"context"
	"io"

	"github.com/mkinitfs/mkinitfs/builder/accounts"
	"github.com/mkinitfs/mkinitfs/builder/layout"
	"github.com/mkinitfs/mkinitfs/builder/lint"
	"github.com/mkinitfs/mkinitfs/builder/pack"
	"github.com/mkinitfs/mkinitfs/builder/source"
	"github.com/mkinitfs/mkinitfs/builder/stub"
	"github.com/mkinitfs/mkinitfs/builder/translate"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// Build writes the image that m describes to w. After an error w has received a useless part
// of an image.
func Build(ctx context.Context, w io.Writer, m *manifests.Manifest, o Options) (*Report, error) {
	if err := pack.CheckWriter(w); err != nil {
		return nil, err
	}
	p, err := prepare(ctx, m, o, toWrite)
	if err != nil {
		return nil, err
	}
	defer p.sources.Close()
	r, err := writeStream(ctx, p, w)
	if err != nil {
		return nil, err
	}
	return r, writeDepfile(p)
}

// Check plans the image that m describes and reports on it, without packing
// anything. The report has neither segments nor sizes of the image.
func Check(ctx context.Context, m *manifests.Manifest, o Options) (*Report, error) {
	p, err := prepare(ctx, m, o, toCheck)
	if err != nil {
		return nil, err
	}
	p.foreign.Open(p.root.entries)
	return report(p), p.sources.Close()
}

// purpose is the use that a build is prepared for.
type purpose int

const (
	toPlan purpose = iota
	toCheck
	toWrite
)

// prepared is a build whose image has only to be packed.
type prepared struct {
	manifest *manifests.Manifest // complete
	options  Options
	notes    *notes
	settled  *settled
	sources  *source.Env // open until the image is written
	root     *root
	foreign  *lint.Foreign // watches what is packed
	layout   *layout.Layout
	stub     *stub.Stub // nil for none, and unless the image is written
}

// prepare runs all stages before packing.
func prepare(ctx context.Context, m *manifests.Manifest, o Options, to purpose) (p *prepared, err error) {
	p = &prepared{options: o, notes: &notes{}}
	if p.manifest, err = m.Complete(); err != nil {
		return nil, err
	}
	if p.notes.Ignore, err = translate.Ignored(p.manifest); err != nil {
		return nil, err
	}
	for _, w := range p.manifest.Warnings {
		p.notes.warn(w.Error())
	}
	if p.manifest.Arch == manifests.AutoArch {
		err = findArch(ctx, p)
	}
	if err == nil {
		p.settled, err = settle(ctx, p.manifest, o, p.notes)
	}
	if err != nil {
		p.sources.Close()
		return nil, err
	}
	if p.sources == nil {
		p.sources = sourceEnv(p.manifest, o, p.settled, p.notes)
	}
	plan := func(ctx context.Context) error { return layOut(ctx, p) }
	switch {
	case p.manifest.Root.Type == manifests.None, to == toPlan:
		err = plan(ctx)
	case to == toCheck:
		if err = stub.Obtainable(ctx, p.settled.variant, o.stub()); err == nil {
			err = plan(ctx)
		}
	default:
		p.stub, err = stub.During(ctx, p.settled.variant, o.stub(), plan)
	}
	if err != nil {
		p.sources.Close()
		return nil, err
	}
	if s := p.stub; s != nil && s.Unkept != nil && (o.Cache != "" || o.WantCache) && !p.settled.unkept {
		p.notes.warn("the stub is compiled for every build: " + s.Unkept.Error())
	}
	return p, nil
}

// findRoot finds what is in the root.
func findRoot(ctx context.Context, p *prepared) error {
	trial := translate.Plan(p.manifest, 0, p.notes.warn)
	entries, err := gather(ctx, p.manifest, p.sources, trial)
	if err == nil {
		entries, err = source.AddLibraries(ctx, p.sources, p.manifest, entries, trial, lint.Tree)
	}
	if err != nil {
		return err
	}
	p.root, err = planRoot(p.manifest, entries, p.sources.Clock.Epoch, p.notes)
	return err
}

// layOut finds what is in the root, unless that is known, and where it lies in the image.
func layOut(ctx context.Context, p *prepared) error {
	var err error
	if p.root == nil {
		err = findRoot(ctx, p)
	}
	if err != nil {
		return err
	}
	if err = checkEarly(p); err != nil {
		return err
	}
	p.sources.WarnFirmware(p.root.entries)
	findings, foreign := lint.Check(lint.Planned(p.root.entries), translate.Lint(p.manifest, p.settled.arch))
	p.foreign = foreign
	p.notes.Add(findings...)
	o := layoutOptions(p.manifest, p.settled, p.root, p.notes)
	if err = accounts.Resolve(&o.Stub, p.manifest.Init, p.root.entries, p.notes.warn); err != nil {
		return err
	}
	p.layout, err = layout.Make(p.root.entries, o)
	return err
}
