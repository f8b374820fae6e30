package builder

import (
	"bytes"
	"path"
	"slices"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// bootEntries are the entries of the boot segment. Of the devices, Go's runtime
// wants /dev/null if there is no console, and the stub writes to kmsg. A bound root
// has its own /dev by then, and naming the folder twice would leave it the time of
// the first: the kernel sets folders' times last to first.
func (b *build) bootEntries(stub []byte, members []bootplan.Member) ([]*plan.Entry, error) {
	copies, err := b.bootCopies()
	if err != nil {
		return nil, err
	}
	bootPlan, xattrs := b.bootPlan(members, copies), b.xattrs()
	if xattrs != nil {
		bootPlan.Xattrs = b.manifest.Root.Xattrs
	}
	mtime := b.clock().Epoch
	file := func(path string, perm uint32, data []byte) *plan.Entry {
		return &plan.Entry{
			Path: path, Mode: plan.TypeFile | perm, MTime: mtime, Size: int64(len(data)),
			Data: plan.Data{At: bytes.NewReader(data)},
		}
	}
	dir := func(path string, perm uint32) *plan.Entry {
		return &plan.Entry{Path: path, Mode: plan.TypeDir | perm, MTime: mtime, Implied: true}
	}
	char := func(path string, perm, major, minor uint32) *plan.Entry {
		return &plan.Entry{Path: path, Mode: plan.TypeChar | perm, MTime: mtime, Major: major, Minor: minor}
	}
	entries := []*plan.Entry{
		dir("/"+bootplan.Dir, 0o700),
		file("/"+bootplan.Path, 0o400, bootPlan.Marshal()),
		char("/"+bootplan.Kmsg, 0o600, 1, 11),
		file("/init", 0o755, stub),
	}
	if xattrs != nil {
		entries = append(entries, file("/"+bootplan.Xattrs, 0o400, bootplan.MarshalXattrs(xattrs)))
	}
	if b.manifest.Root.Type == manifests.Tmpfs {
		entries = append(entries,
			dir("/dev", 0o755),
			char("/dev/console", 0o600, 5, 1),
			char("/dev/null", 0o666, 1, 3),
		)
	}
	have := map[string]bool{"/": true}
	for _, e := range entries {
		have[e.Path] = true
	}
	var parents func(p string)
	parents = func(p string) {
		if dirPath := path.Dir(p); !have[dirPath] {
			parents(dirPath)
			have[dirPath] = true
			entries = append(entries, dir(dirPath, 0o755))
		}
	}
	for _, e := range b.rdinit.links {
		have[e.Path] = true
	}
	for _, e := range copies {
		if have[e.Path] {
			continue
		}
		parents(e.Path)
		have[e.Path] = true
		file := *e
		file.Data = contentOf(b.entries, e)
		entries = append(entries, &file)
	}
	for _, e := range b.rdinit.links {
		parents(e.Path)
	}
	entries = append(entries, b.rdinit.links...)
	for _, e := range entries {
		e.Nlink = 1
		if e.IsDir() {
			e.Nlink = 2
		}
	}
	return entries, nil
}

// bootCopies are the entries that the manifest's boot globs name.
func (b *build) bootCopies() ([]*plan.Entry, error) {
	if b.manifest.Root.Type != manifests.Tmpfs {
		return nil, nil // the root is there from the start
	}
	var copies []*plan.Entry
	var problems plan.Errors
	for _, g := range b.manifest.Boot {
		n := len(copies)
		for _, e := range b.entries {
			if doublestar.MatchUnvalidated(g.Pattern, e.Path) {
				copies = append(copies, e)
			}
		}
		if len(copies) == n && !g.Optional {
			problems = append(problems, planGlob(g).Unmatched())
		}
	}
	return copies, problems.Sorted()
}

// bootPlan is what the stub is told.
func (b *build) bootPlan(members []bootplan.Member, copies []*plan.Entry) *bootplan.Plan {
	m := b.manifest
	p := &bootplan.Plan{
		Root: string(m.Root.Type), Arch: b.arch, Payload: b.payload.Name, Extra: m.Root.Extra,
		Size: sizeText(m.Root.Size), Inodes: m.Root.Inodes, Mode: b.entries[0].Mode & 0o7777, MTime: b.entries[0].MTime,
		Exec: m.Init.Exec, Args: m.Init.Args, Env: m.Init.Env, OnError: m.Init.OnError, Cmdline: m.Init.Cmdline,
		Entries: int64(b.report.Entries), Members: members, Rdinit: b.rdinit.plan,
	}
	if b.policy != nil {
		p.SELinux = b.policy.Path
	}
	if s := m.Init.Supervise; s != nil {
		p.OnExit, p.Delay = s.OnExit, s.RestartDelay.Milliseconds()
	}
	for _, mount := range m.Init.Mounts {
		p.Mounts = append(p.Mounts, bootplan.Mount{
			Type: mount.Type, Source: mount.Source, Target: mount.Target, Options: mount.Options,
		})
	}
	for _, e := range copies {
		if !e.IsDir() {
			p.Boot = append(p.Boot, e.Path)
		}
	}
	slices.Sort(p.Boot)
	p.Boot = slices.Compact(p.Boot)
	for i, size := range bootplan.PageSizes {
		p.Blocks[i] = b.blocks(size)
	}
	if m.Root.Type == manifests.Bind {
		for _, mem := range b.members {
			p.Last = append(p.Last, mem.entries[len(mem.entries)-2].Path)
		}
	}
	for _, mem := range members {
		p.Window = max(p.Window, b.payload.window(mem.Unpacked))
	}
	return p
}

// blocks is the number of pages of a size that tmpfs needs for the root: for files,
// and for links of more than SHORT_SYMLINK_LEN (mm/shmem.c).
func (b *build) blocks(pageSize int64) int64 {
	const shortLink = 128
	var n int64
	seen := map[uint32]bool{}
	for _, e := range b.entries {
		switch {
		case e.IsLink() && len(e.Target)+1 > shortLink:
			n++
		case e.IsFile() && e.Nlink > 1 && seen[e.Ino]:
		case e.IsFile():
			n += (e.Size + pageSize - 1) / pageSize
			if e.Nlink > 1 {
				seen[e.Ino] = true
			}
		}
	}
	return n
}

func sizeText(s manifests.Size) string {
	switch {
	case s.Percent > 0:
		return itoa(int64(s.Percent)) + "%"
	case s.Bytes > 0:
		return itoa(s.Bytes)
	}
	return ""
}

// contentOf returns where the content of a file lies. The plan says it of the first of its
// names alone.
func contentOf(entries []*plan.Entry, e *plan.Entry) plan.Data {
	first := slices.IndexFunc(entries, func(other *plan.Entry) bool { return other.Ino == e.Ino })
	return entries[first].Data
}
