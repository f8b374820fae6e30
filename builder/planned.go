package builder

import (
	"context"
	"slices"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/lint"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/builder/source"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// Planned is the content of an image that has not been packed.
type Planned struct {
	Entries  []*plan.Entry  // of the root, as a finished plan has them
	Boot     *bootplan.Plan // without members, nil for an image without a stub
	Warnings []string

	sources *source.Env
	foreign *lint.Foreign
	found   lint.Sieve
}

// Plan plans the image that m describes. It needs no stub. The contents of the files can be
// read until Planned is closed.
func Plan(ctx context.Context, m *manifests.Manifest, o Options) (*Planned, error) {
	p, err := prepare(ctx, m, o, toPlan)
	if err != nil {
		return nil, err
	}
	planned := &Planned{Entries: p.root.entries, Warnings: p.notes.Warnings(), sources: p.sources, foreign: p.foreign, found: p.notes.Sieve}
	if p.manifest.Root.Type != manifests.None {
		planned.Boot = p.layout.BootPlan(nil)
		if !slices.ContainsFunc(p.root.entries, func(e *plan.Entry) bool { return len(e.Xattrs) > 0 }) {
			planned.Boot.Xattrs = "" // it is about a table that the image does not have
		}
	}
	return planned, nil
}

// Lint returns what rules find in the planned root. It reads the programs of the root.
func (p *Planned) Lint() lint.Sieve {
	p.foreign.Open(p.Entries)
	found := p.found
	found.Add(p.foreign.Findings()...)
	return found
}

// Close closes the sources.
func (p *Planned) Close() error { return p.sources.Close() }
