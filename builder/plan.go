package builder

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/xattr"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// root is the root of an image, planned.
type root struct {
	entries  []*plan.Entry
	unpacked int64       // bytes of its files
	private  bool        // not everyone may read all of its sources
	policy   *plan.Entry // SELinux policy in it that the stub loads, or nil
}

// planRoot makes a plan of the entries that were gathered, gives them labels and holds the
// plan against the manifest's bound.
func planRoot(m *manifests.Manifest, entries []*plan.Entry, mtime int64, n *notes) (*root, error) {
	dropUnstorable(entries)
	r := &root{}
	var err error
	if r.entries, err = plan.Make(entries, planOptions(m, mtime, n)); err != nil {
		return nil, err
	}
	if r.policy, err = label(r.entries, m, n); err != nil {
		return nil, err
	}
	r.unpacked = plan.Unpacked(r.entries)
	r.private = slices.ContainsFunc(r.entries, func(e *plan.Entry) bool { return e.Private })
	if most := m.Output.MaxUnpacked; most > 0 && r.unpacked > most {
		return nil, tooMuch(r, m.Output)
	}
	return r, nil
}

// dropUnstorable drops the extended attributes that only the file system of a source has,
// such as btrfs.compression or system.nfs4_acl: no root in memory can hold them.
func dropUnstorable(entries []*plan.Entry) {
	unstorable := func(name, _ string) bool { return !xattr.Storable(name) }
	for _, e := range entries {
		for name := range e.Xattrs {
			if unstorable(name, "") {
				e.Xattrs = maps.Clone(e.Xattrs) // others may share them
				maps.DeleteFunc(e.Xattrs, unstorable)
				break
			}
		}
	}
}

func planOptions(m *manifests.Manifest, mtime int64, n *notes) plan.Options {
	o := plan.Options{RootMode: *m.Root.Mode, MTime: mtime, Remove: planGlobs(m.Remove), Warn: n.warn}
	for _, p := range m.Permissions {
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

// tooMuch is the error that the root's files take more than the manifest allows.
func tooMuch(r *root, o manifests.Output) error {
	var shares []share
	for _, e := range r.entries {
		if e.First == nil {
			shares = append(shares, share{e.Path, e.Size})
		}
	}
	return manifests.Errors{{
		Pos:  o.MaxUnpackedPos,
		Msg:  fmt.Sprintf("the root's files take %d bytes, output.max_unpacked allows %d", r.unpacked, o.MaxUnpacked),
		Hint: largest(shares, "unpacked"),
	}}
}

// share is the part of a path in what has become too much.
type share struct {
	path  string
	bytes int64
}

// largest lists the ten largest shares.
func largest(shares []share, what string) string {
	slices.SortStableFunc(shares, func(a, b share) int { return cmp.Compare(b.bytes, a.bytes) })
	var lines strings.Builder
	fmt.Fprintf(&lines, "the largest paths, in %s bytes:", what)
	for _, s := range shares[:min(10, len(shares))] {
		if s.bytes > 0 {
			fmt.Fprintf(&lines, "\n  %12d  %s", s.bytes, s.path)
		}
	}
	return lines.String()
}
