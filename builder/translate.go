package builder

import (
	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/layout"
	"github.com/mkinitfs/mkinitfs/builder/lint"
	"github.com/mkinitfs/mkinitfs/builder/source"
	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/arch"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// layoutOptions returns the options of the layout of a root.
func layoutOptions(m *manifests.Manifest, s *settled, r *root, n *notes) layout.Options {
	o := layout.Options{
		Type: string(m.Root.Type), Small: arch.Is32(s.arch), MTime: s.clock.Epoch, Boot: source.Globs(m.Boot),
		Stub: bootPlan(m), RawMembers: s.payload.Name == compress.None, Window: s.payload.Window, Warn: n.warn,
	}
	o.Stub.Arch, o.Stub.Payload, o.Stub.Modules = s.arch, s.payload.Name, r.modules
	for _, e := range n.early {
		o.Stub.Boot = append(o.Stub.Boot, e.Paths...) // the stub leaves them behind
	}
	if r.policy != nil {
		o.Stub.SELinux = r.policy.Path
	}
	for _, name := range m.Init.Rdinit {
		o.Rdinit = append(o.Rdinit, layout.Name{Origin: name.Pos.String(), Path: name.Path})
	}
	return o
}

// bootPlan returns the manifest's part of the boot plan.
func bootPlan(m *manifests.Manifest) bootplan.Plan {
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

// lintOptions returns the options of the rules.
func lintOptions(m *manifests.Manifest, target string) lint.Options {
	o := lint.Options{Arch: target, Exec: m.Init.Exec, ExecOrigin: m.Init.ExecPos.String(), Env: m.Init.Env}
	if o.Exec != "" && m.Root.Type == manifests.None {
		o.Exec = "/init" // the kernel starts it
	}
	return o
}

// sourceEnv returns the environment of the sources.
func sourceEnv(m *manifests.Manifest, o Options, s *settled, n *notes) *source.Env {
	return &source.Env{
		Clock: s.clock, Arch: s.arch, Stdin: o.Stdin, NoStub: m.Root.Type == manifests.None,
		Fakeroot: o.Fakeroot, Input: n.input, Warn: n.warn, Early: n.addEarly, Limits: o.Limits, Load: m.Init.Modules,
	}
}
