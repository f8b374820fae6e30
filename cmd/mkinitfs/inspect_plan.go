package main

import "github.com/mkinitfs/mkinitfs/builder/bootplan"

// planJSON is the stable form of what the boot plan tells the stub. Most names are those of
// the manifest's keys.
type planJSON struct {
	Root      string         `json:"root"`
	Arch      string         `json:"arch"`
	Payload   string         `json:"payload"`
	Exec      string         `json:"exec"`
	Args      []string       `json:"args"`
	Env       []string       `json:"env"`
	User      *userJSON      `json:"user,omitempty"` // absent for root, as the kernel starts it
	Workdir   string         `json:"workdir,omitempty"`
	Mounts    []mountJSON    `json:"mounts"`
	Modules   []moduleJSON   `json:"modules"`
	Size      string         `json:"size"` // "" is auto
	Inodes    int64          `json:"inodes"`
	Extra     string         `json:"extra"`
	Xattrs    string         `json:"xattrs,omitempty"` // absent if the root has none
	SELinux   string         `json:"selinux,omitempty"`
	OnError   string         `json:"on_error"`
	Cmdline   string         `json:"cmdline"`
	Supervise *superviseJSON `json:"supervise,omitempty"`
	Rdinit    []string       `json:"rdinit"`
	Boot      []string       `json:"boot"`
	Entries   int64          `json:"entries"` // of the root
}

type userJSON struct {
	UID    uint32   `json:"uid"`
	GID    uint32   `json:"gid"`
	Groups []uint32 `json:"groups"`
	Home   string   `json:"home,omitempty"`
}

type mountJSON struct {
	Type    string `json:"type"`
	Source  string `json:"source"`
	Target  string `json:"target"`
	Options string `json:"options"`
}

type moduleJSON struct {
	Path     string `json:"path"`
	Required bool   `json:"required"` // the boot fails without it
}

type superviseJSON struct {
	OnExit string `json:"on_exit"`
	Delay  int64  `json:"restart_delay_ms"`
}

func describePlan(p *bootplan.Plan) *planJSON {
	list := func(words []string) []string { return append([]string{}, words...) }
	d := &planJSON{
		Root: p.Root, Arch: p.Arch, Payload: p.Payload, Exec: p.Exec, Args: list(p.Args), Env: list(p.Env), Workdir: p.Workdir,
		Mounts: []mountJSON{}, Modules: []moduleJSON{}, Size: p.Size, Inodes: p.Inodes, Extra: p.Extra, Xattrs: p.Xattrs, SELinux: p.SELinux,
		OnError: p.OnError, Cmdline: p.Cmdline, Rdinit: []string{}, Boot: list(p.Boot), Entries: p.Entries,
	}
	if u := p.User; u != nil {
		d.User = &userJSON{u.UID, u.GID, append([]uint32{}, p.Groups...), u.Home}
	}
	if p.OnExit != "" {
		d.Supervise = &superviseJSON{p.OnExit, p.Delay}
	}
	for _, m := range p.Mounts {
		d.Mounts = append(d.Mounts, mountJSON(m))
	}
	for _, m := range p.Modules {
		d.Modules = append(d.Modules, moduleJSON(m))
	}
	for _, r := range p.Rdinit {
		if r.Name != "" {
			d.Rdinit = append(d.Rdinit, r.Name)
		}
	}
	return d
}
