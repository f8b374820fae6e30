package builder

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/builder/source"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// notes are what stages find beside their results.
type notes struct {
	warnings []string       // for the report
	early    []source.Early // for the start of the image
	inputs   []string       // files and directories that decide over the image, beside the files that entries are made of
}

func (n *notes) warn(text string)  { n.warnings = append(n.warnings, text) }
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

// gather asks the sources of all items for their entries, in the manifest's order, behind the
// files for the start of the image. It reports every problem of every item.
func gather(ctx context.Context, m *manifests.Manifest, env *source.Env) ([]*plan.Entry, error) {
	var entries []*plan.Entry
	var problems problems
	for _, f := range m.Early {
		if err := problems.add(source.ReadEarly(ctx, env, f)); err != nil {
			return nil, err
		}
	}
	for _, c := range m.Contents {
		found, err := entriesOf(ctx, env, c)
		if err := problems.add(err); err != nil {
			return nil, err
		}
		entries = append(entries, found...)
		chooseInit(&m.Init, c, found)
	}
	if err := problems.Sorted(); err != nil {
		return nil, err
	}
	return addInit(ctx, m.Init, env, entries)
}

// problems are the problems of several sources.
type problems struct{ plan.Errors }

// add takes the problems that err holds. It returns any other error.
func (p *problems) add(err error) error {
	var more plan.Errors
	if errors.As(err, &more) {
		p.Errors = append(p.Errors, more...)
		return nil
	}
	return err
}

// entriesOf asks one item of contents for its entries.
func entriesOf(ctx context.Context, env *source.Env, c manifests.Content) ([]*plan.Entry, error) {
	s, err := source.Of(c)
	if err != nil {
		return nil, err
	}
	return s.Entries(ctx, env)
}

// chooseInit starts an initramfs that the root is made of as the kernel does.
func chooseInit(init *manifests.Init, c manifests.Content, found []*plan.Entry) {
	const path = "/init"
	if init.Unasked && init.Exec == manifests.Default().Init.Exec && c.Type() == "cpio" && has(found, path) {
		init.Exec = path
	}
}

func has(entries []*plan.Entry, path string) bool {
	return slices.ContainsFunc(entries, func(e *plan.Entry) bool { return e.Path == path })
}

// addInit gives the root a link to the program at /init, unless it has something there.
// The kernel looks for it in a root without a stub. In any other, switch_root of busybox
// does, and run-init of klibc in some versions (2.0.12 does not), to be sure that they
// empty an initramfs and no disk.
func addInit(ctx context.Context, init manifests.Init, env *source.Env, entries []*plan.Entry) ([]*plan.Entry, error) {
	const path = "/init"
	if init.Exec == "" || init.Exec == path || has(entries, path) {
		return entries, nil
	}
	link, err := entriesOf(ctx, env, &manifests.Symlink{
		Item:   manifests.Item{Pos: init.ExecPos, Dst: path},
		Target: init.Exec,
	})
	return append(entries, link...), err
}
