package builder

import (
	"context"
	"errors"
	"os"

	"github.com/mkinitfs/mkinitfs/builder/lint"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/builder/source"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// notes are the findings of stages beside their results.
type notes struct {
	lint.Sieve                // warnings for the report
	early      []source.Early // for the start of the image
	inputs     []string       // files and directories that decide over the image, beside the files that entries are made of
}

func (n *notes) warn(text string)  { n.Add(lint.Planning(text)) }
func (n *notes) input(path string) { n.inputs = append(n.inputs, path) }

// read reads a file of the host.
func (n *notes) read(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err == nil {
		n.input(path)
	}
	return text, err
}

func (n *notes) addEarly(e source.Early) { n.early = append(n.early, e) }

// sourceEnv returns the environment of the sources.
func sourceEnv(m *manifests.Manifest, o Options, s *settled, n *notes) *source.Env {
	return &source.Env{
		Clock: s.clock, Arch: s.arch, Stdin: o.Stdin, NoStub: m.Root.Type == manifests.None,
		Fakeroot: o.Fakeroot, Input: n.input, Warn: n.warn, Early: n.addEarly, Limits: o.Limits, Load: m.Init.Modules,
	}
}

// gather asks the sources of all items for their entries, in the manifest's order, behind the
// files for the start of the image. It reports every problem of every item. o is for plans in
// which something is searched.
func gather(ctx context.Context, m *manifests.Manifest, env *source.Env, o plan.Options) ([]*plan.Entry, error) {
	var entries []*plan.Entry
	var problems plan.Errors
	for _, f := range m.Early {
		if err := problems.Add(source.ReadEarly(ctx, env, f)); err != nil {
			return nil, err
		}
	}
	for _, c := range m.Contents {
		found, err := source.Entries(ctx, env, c)
		if err := problems.Add(err); err != nil {
			return nil, err
		}
		entries = append(entries, found...)
		source.ChooseInit(&m.Init, c, found)
	}
	if err := problems.Sorted(); err != nil {
		return nil, err
	}
	if err := source.FillInit(env, &m.Init, entries, o); err != nil {
		return nil, err
	}
	return source.AddInit(ctx, env, m.Init, entries)
}

// checkEarly checks what has been found for the start of the image.
func checkEarly(p *prepared) error {
	if o := p.manifest.Output; o.Layout == manifests.Stream && len(p.notes.early) > 0 {
		return atPos(o.LayoutPos, errors.New("a source has microcode or ACPI tables, which the kernel wants uncompressed at the start: take layout: segments"))
	}
	for _, e := range p.notes.early {
		p.root.private = p.root.private || e.Private
	}
	return source.CheckEarly(p.notes.early, p.settled.arch, p.notes.warn)
}
