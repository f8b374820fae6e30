package image

import (
	"slices"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// BeyondRoot returns the manifest keys that only the boot plan of an image records, such as
// root.size. The entries of the root do not show them. BeyondRoot returns nil for an image without
// a boot plan.
func (i *Info) BeyondRoot(entries []Entry) []string {
	if p := i.plan(); p != nil {
		return beyond(p, entries)
	}
	return nil
}

func beyond(p *bootplan.Plan, entries []Entry) []string {
	var keys []string
	add := func(key string, differs bool) {
		if differs {
			keys = append(keys, key)
		}
	}
	add("root.size", p.Size != "")
	add("root.inodes", p.Inodes != 0)
	add("root.extra", p.Extra != "" && p.Extra != "merge")
	add("root.xattrs", p.Xattrs == "required")
	add("init.exec", !startsAsInit(p.Exec, entries))
	add("init.args", len(p.Args) > 0)
	add("init.env", len(p.Env) > 0)
	add("init.user", p.User != nil)
	add("init.workdir", p.Workdir != "")
	add("init.mounts", len(p.Mounts) > 0)
	add("init.modules", len(p.Modules) > 0)
	add("init.on_error", p.OnError != "" && p.OnError != "panic")
	add("init.cmdline", p.Cmdline != "" && p.Cmdline != "use")
	add("init.supervise", p.OnExit != "")
	add("init.rdinit", len(p.Rdinit) > 0)
	add("boot", len(p.Boot) > 0)
	add("selinux", p.SELinux != "")
	return keys
}

// startsAsInit reports whether /init of a root starts the program exec. A link from there gives
// the program another name, which only matters for one that is not called init.
func startsAsInit(exec string, entries []Entry) bool {
	const init = "/init"
	return exec == "" || exec == init || exec == "/sbin/init" && slices.ContainsFunc(entries, func(e Entry) bool {
		return e.Path() == init && e.Link == exec
	})
}
