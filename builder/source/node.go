package source

import "github.com/mkinitfs/mkinitfs/builder/plan"

// Node is an entry without content: a folder, a link, a device, a FIFO, a socket.
type Node struct {
	Item
	Attr
	Type     uint32 // plan.TypeDir, plan.TypeLink, ...
	HardLink bool   // another name for Target, instead of Type
	Target   string // of a link
	Major    uint32 // of a device
	Minor    uint32
}

// Entry returns the node. Modes that are not given are those that mkdir, mkfifo
// and bind(2) leave with the usual umask, and 0600 for devices.
func (n Node) Entry(clock Clock) *plan.Entry {
	if n.HardLink {
		return n.links(n.Target, []string{n.Dst})[0]
	}
	mode := uint32(0o600)
	switch n.Type {
	case plan.TypeDir, plan.TypeSocket:
		mode = 0o755
	case plan.TypeFIFO:
		mode = 0o644
	case plan.TypeLink:
		mode = 0o777
	}
	if n.Mode != nil && n.Type != plan.TypeLink {
		mode = *n.Mode
	}
	e := n.entry(n.Dst, n.Type|mode)
	e.Target, e.Major, e.Minor = n.Target, n.Major, n.Minor
	n.Attr.set(e, nil, clock)
	return e
}
