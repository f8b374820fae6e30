package builder

import (
	"strconv"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/layout"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// layoutOptions returns what the manifest says about the layout.
func layoutOptions(m *manifests.Manifest, mtime int64) layout.Options {
	o := layout.Options{Type: string(m.Root.Type), MTime: mtime, Boot: planGlobs(m.Boot), Stub: bootPlan(m)}
	for _, name := range m.Init.Rdinit {
		o.Rdinit = append(o.Rdinit, layout.Name{Origin: name.Pos.String(), Path: name.Path})
	}
	return o
}

// bootPlan returns what the manifest tells the stub.
func bootPlan(m *manifests.Manifest) bootplan.Plan {
	p := bootplan.Plan{
		Root: string(m.Root.Type), Extra: m.Root.Extra, Xattrs: m.Root.Xattrs,
		Size: sizeText(m.Root.Size), Inodes: m.Root.Inodes,
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

func sizeText(s manifests.Size) string {
	switch {
	case s.Percent > 0:
		return strconv.Itoa(s.Percent) + "%"
	case s.Bytes > 0:
		return strconv.FormatInt(s.Bytes, 10)
	}
	return ""
}
