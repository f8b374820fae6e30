// Package translate turns a manifest into the options of the stages that know no manifest.
// They name places as text, "root.yaml:12:3".
package translate

import (
	"github.com/mkinitfs/mkinitfs/builder/accounts"
	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/envelope"
	"github.com/mkinitfs/mkinitfs/builder/layout"
	"github.com/mkinitfs/mkinitfs/builder/lint"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/builder/source"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// Plan returns the options of the plan of a root. mtime is the time of entries without one.
func Plan(m *manifests.Manifest, mtime int64, warn func(string)) plan.Options {
	o := plan.Options{
		RootMode: *m.Root.Mode, RootAsked: m.Root.ModeSet, MTime: mtime,
		Remove: source.Globs(m.Remove), Files: accounts.Files(m.Accounts), Warn: warn,
	}
	for _, p := range m.Permissions {
		rule := plan.Permission{
			Glob: source.Glob(p.Glob), Mode: p.Mode, DirMode: p.DirMode,
			UID: p.Owner.UID, GID: p.Owner.GID, Names: source.Names(p.Owner), Xattrs: p.Xattrs,
		}
		if p.MTime.Rule == manifests.MTimeSet {
			t := p.MTime.Time.Unix()
			rule.MTime = &t
		}
		o.Permissions = append(o.Permissions, rule)
	}
	return o
}

// Lint returns the options of the rules. target is the architecture of the image, "" if it is
// not known yet.
func Lint(m *manifests.Manifest, target string) lint.Options {
	o := lint.Options{Arch: target, Exec: m.Init.Exec, ExecOrigin: m.Init.ExecPos.String(), Env: m.Init.Env}
	o.Appended = o.Exec == ""
	if o.Exec != "" && m.Root.Type == manifests.None {
		o.Exec = "/init" // the kernel starts it
	}
	return o
}

// Layout returns the options of the layout, without the architecture, the codecs and what is
// only known once the root is.
func Layout(m *manifests.Manifest) layout.Options {
	o := layout.Options{Type: string(m.Root.Type), Boot: source.Globs(m.Boot), Stub: boot(m)}
	for _, name := range m.Init.Rdinit {
		o.Rdinit = append(o.Rdinit, layout.Name{Origin: name.Pos.String(), Path: name.Path})
	}
	return o
}

// UImage returns the uImage that the manifest wants around the image, nil for none.
func UImage(m *manifests.Manifest, target string, epoch int64) (*envelope.UImage, error) {
	if m.Output.Wrap != manifests.UImage {
		return nil, nil
	}
	u := &envelope.UImage{Arch: target, Time: epoch, Name: m.Name}
	if err := u.Check(); err != nil {
		return nil, manifests.Errors{{Pos: m.Output.WrapPos, Msg: err.Error()}}
	}
	return u, nil
}

// boot returns the manifest's part of the boot plan.
func boot(m *manifests.Manifest) bootplan.Plan {
	p := bootplan.Plan{
		Root: string(m.Root.Type), Extra: m.Root.Extra, Xattrs: m.Root.Xattrs,
		Size: m.Root.Size.String(), Inodes: m.Root.Inodes,
		Exec: m.Init.Exec, Args: m.Init.Args, Env: m.Init.Env, OnError: m.Init.OnError, Cmdline: m.Init.Cmdline,
	}
	if s := m.Init.Supervise; s != nil {
		p.OnExit, p.Delay = s.OnExit, s.RestartDelay.Milliseconds()
	}
	for _, mount := range m.Init.Mounts {
		p.Mounts = append(p.Mounts, bootplan.Mount{
			Type: mount.Type, Source: mount.Source, Target: mount.Target, Options: mount.Options,
		})
	}
	return p
}
