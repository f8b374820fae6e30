package builder

import (
	"slices"

	"github.com/mkinitfs/mkinitfs/builder/accounts"
	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/bounds"
	"github.com/mkinitfs/mkinitfs/builder/layout"
	"github.com/mkinitfs/mkinitfs/builder/lint"
	"github.com/mkinitfs/mkinitfs/builder/loadorder"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/builder/selinux"
	"github.com/mkinitfs/mkinitfs/builder/translate"
	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/arch"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// root is the root of an image, planned.
type root struct {
	entries  []*plan.Entry
	unpacked int64       // bytes of its files
	private  bool        // not everyone may read all of its sources
	policy   *plan.Entry // SELinux policy in it that the stub loads, or nil
	modules  []bootplan.Module
}

// planRoot makes a plan of the gathered entries, labels them, and compares the plan with the
// bound in the manifest.
func planRoot(m *manifests.Manifest, entries []*plan.Entry, mtime int64, n *notes) (*root, error) {
	plan.DropUnstorable(entries)
	plan.SetRootMode(entries, *m.Root.Mode)
	planned, err := plan.Make(entries, translate.Plan(m, mtime, n.warn))
	if err == nil {
		err = accounts.Apply(m.Accounts, planned, n.input)
	}
	if err != nil {
		return nil, err
	}
	r := &root{entries: planned}
	if s := m.SELinux; s != nil {
		r.policy, err = selinux.Label(r.entries, selinux.Options{
			Origin: s.Pos.String(), Type: s.Type, FileContexts: s.FileContexts, Bind: m.Root.Type == manifests.Bind,
			Host: n.read, Root: lint.Planned(r.entries).Read, Warn: n.warn,
		})
		if err != nil {
			return nil, err
		}
	}
	if r.modules, err = loadorder.Find(r.entries, lint.Planned(r.entries).Read, m.Init.Modules); err != nil {
		return nil, err
	}
	r.unpacked = plan.Unpacked(r.entries)
	r.private = slices.ContainsFunc(r.entries, func(e *plan.Entry) bool { return e.Private })
	return r, bounds.Unpacked(r.entries, m.Output)
}

// layoutOptions returns the options of the layout of a root.
func layoutOptions(m *manifests.Manifest, s *settled, r *root, n *notes) layout.Options {
	o := translate.Layout(m)
	o.Small, o.MTime, o.Warn = arch.Is32(s.arch), s.clock.Epoch, n.warn
	o.RawMembers, o.Window = s.payload.Name == compress.None, s.payload.Window
	o.Stub.Arch, o.Stub.Payload, o.Stub.Modules = s.arch, s.payload.Name, r.modules
	for _, e := range n.early {
		o.Stub.Boot = append(o.Stub.Boot, e.Paths...) // the stub leaves them behind
	}
	if r.policy != nil {
		o.Stub.SELinux = r.policy.Path
	}
	return o
}
