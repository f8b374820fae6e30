package builder

import (
	"slices"

	"github.com/mkinitfs/mkinitfs/builder/accounts"
	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/bounds"
	"github.com/mkinitfs/mkinitfs/builder/lint"
	"github.com/mkinitfs/mkinitfs/builder/loadorder"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/builder/selinux"
	"github.com/mkinitfs/mkinitfs/builder/source"
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
	planned, err := plan.Make(entries, planOptions(m, mtime, n))
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

func planOptions(m *manifests.Manifest, mtime int64, n *notes) plan.Options {
	o := plan.Options{RootMode: *m.Root.Mode, RootAsked: m.Root.ModeSet, MTime: mtime, Remove: source.Globs(m.Remove), Files: accounts.Files(m.Accounts), Warn: n.warn}
	for _, p := range m.Permissions {
		rule := plan.Permission{
			Glob: source.Glob(p.Glob), Mode: p.Mode, DirMode: p.DirMode, UID: p.Owner.UID, GID: p.Owner.GID, Names: source.Names(p.Owner), Xattrs: p.Xattrs,
		}
		if p.MTime.Rule == manifests.MTimeSet {
			t := p.MTime.Time.Unix()
			rule.MTime = &t
		}
		o.Permissions = append(o.Permissions, rule)
	}
	return o
}
