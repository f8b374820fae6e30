package source

import (
	"context"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// nodeSource is an entry without content: a directory, a FIFO or a socket.
type nodeSource struct {
	*manifests.Item
	*manifests.Attr
	kind uint32 // plan.TypeDir, ...
	mode uint32 // without one in Attr: the mode that mkdir, mkfifo and bind(2) give under the usual umask
}

func (n nodeSource) Entries(_ context.Context, env *Env) ([]*plan.Entry, error) {
	return []*plan.Entry{n.entry(env)}, nil
}

func (n nodeSource) entry(env *Env) *plan.Entry {
	j := env.job(n.Item)
	mode := n.mode
	if n.Mode != nil {
		mode = *n.Mode
	}
	e := j.entry(n.Dst, n.kind|mode)
	j.set(e, n.Attr, nil)
	return e
}

// deviceSource is a node with a number.
type deviceSource struct {
	nodeSource
	number manifests.Device
}

func (d deviceSource) Entries(_ context.Context, env *Env) ([]*plan.Entry, error) {
	e := d.entry(env)
	e.Major, e.Minor = d.number.Major, d.number.Minor
	return []*plan.Entry{e}, nil
}
