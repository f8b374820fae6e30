package layout

import (
	"bytes"
	"path"
	"slices"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// BootItems returns the boot segment with the given stub, once the members are packed.
//
// Go's runtime needs /dev/null if there is no console, and the stub writes to kmsg. A bound
// root brings its own /dev. There a second entry for /dev would give it the time of the first,
// because the kernel sets the times of directories from last to first.
func (l *Layout) BootItems(stub []byte, members []bootplan.Member) []Item {
	o := l.options
	file := func(path string, perm uint32, data []byte) *plan.Entry {
		return &plan.Entry{
			Path: path, Mode: plan.TypeFile | perm, MTime: o.MTime, Size: int64(len(data)),
			Data: plan.Data{At: bytes.NewReader(data)},
		}
	}
	dir := func(path string, perm uint32) *plan.Entry {
		return &plan.Entry{Path: path, Mode: plan.TypeDir | perm, MTime: o.MTime, Implied: true}
	}
	char := func(path string, perm, major, minor uint32) *plan.Entry {
		return &plan.Entry{Path: path, Mode: plan.TypeChar | perm, MTime: o.MTime, Major: major, Minor: minor}
	}
	boot, xattrs := l.BootPlan(members), xattrTable(l.entries)
	if xattrs == nil {
		boot.Xattrs = ""
	}
	entries := []*plan.Entry{
		dir("/"+bootplan.Dir, 0o700),
		file("/"+bootplan.Path, 0o400, boot.Marshal()),
		char("/"+bootplan.Kmsg, 0o600, 1, 11),
		file("/init", 0o755, stub),
	}
	if xattrs != nil {
		entries = append(entries, file("/"+bootplan.Xattrs, 0o400, bootplan.MarshalXattrs(xattrs)))
	}
	if o.Type == Tmpfs {
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
	for _, e := range l.links {
		have[e.Path] = true
	}
	once := map[string]bool{}
	for _, o := range l.boot.Once {
		once[o.Path] = true
	}
	for _, e := range l.copies {
		if have[e.Path] {
			continue
		}
		parents(e.Path)
		if once[e.Path] {
			continue
		}
		have[e.Path] = true
		file := *e
		file.Data, file.First = e.Content(), nil
		entries = append(entries, &file)
	}
	for _, o := range l.boot.Once {
		parents(o.Path)
	}
	for _, e := range l.links {
		parents(e.Path)
	}
	entries = append(entries, l.links...)
	for _, e := range entries {
		e.Nlink = 1
		if e.IsDir() {
			e.Nlink = 2
		}
	}
	return itemsOf(entries)
}

// Nodes returns the number of entries that the kernel unpacks beside the root: the stub with
// the directories for what boot loaders append, and the members.
func (l *Layout) Nodes() int64 {
	switch l.Type {
	case None:
		return 0
	case Bind:
		return int64(len(l.BootItems(nil, nil)))
	}
	n := len(l.BootItems(nil, nil)) + len(l.Members)
	if l.Once != nil {
		n += len(l.Once.Items)
	}
	return int64(n)
}

// BootPlan returns the plan for the stub, once the members are packed.
func (l *Layout) BootPlan(members []bootplan.Member) *bootplan.Plan {
	p := l.boot
	p.Members = members
	for _, m := range members {
		p.Window = max(p.Window, l.options.Window(m.Unpacked))
	}
	return &p
}

// bootPlan is BootPlan without members.
func (l *Layout) bootPlan(rdinit []bootplan.Rdinit) bootplan.Plan {
	p := l.options.Stub
	p.Mode, p.MTime = l.entries[0].Mode&0o7777, l.entries[0].MTime
	p.Entries, p.Rdinit = int64(len(l.entries)), rdinit
	for _, e := range l.copies {
		if !e.IsDir() && !(p.Extra == "merge" && leadsToDir(l.entries, e)) {
			p.Boot = append(p.Boot, e.Path)
		}
	}
	if p.Root == Bind && entryAt(l.entries, kernelCopy) != nil {
		p.Boot = []string{kernelCopy}
	}
	p.Once = toldOnce(l.Once)
	for _, o := range p.Once {
		p.Boot = append(p.Boot, o.Path)
	}
	slices.Sort(p.Boot)
	p.Boot = slices.Compact(p.Boot)
	for i, size := range bootplan.PageSizes {
		p.Blocks[i] = blocks(l.entries, size)
	}
	if l.options.Type == Bind {
		for _, m := range l.Members {
			p.Last = append(p.Last, m.Items[len(m.Items)-2].path())
		}
	}
	return p
}

// blocks returns the number of pages of a size that tmpfs needs for the root: for files,
// and for symbolic links longer than SHORT_SYMLINK_LEN (mm/shmem.c).
func blocks(entries []*plan.Entry, pageSize int64) int64 {
	const shortLink = 128
	var n int64
	for _, e := range entries {
		switch {
		case e.IsLink() && len(e.Target)+1 > shortLink:
			n++
		case e.IsFile() && e.First == nil:
			n += (e.Size + pageSize - 1) / pageSize
		}
	}
	return n
}
