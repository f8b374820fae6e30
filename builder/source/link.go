package source

import (
	"context"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

type symlinkSource struct{ *manifests.Symlink }

func (s symlinkSource) Entries(_ context.Context, env *Env) ([]*plan.Entry, error) {
	j := env.job(&s.Item)
	e := j.entry(s.Dst, plan.TypeLink|0o777)
	e.Target = s.Target
	j.set(e, &s.Attr, nil)
	return []*plan.Entry{e}, nil
}

type hardlinkSource struct{ *manifests.Hardlink }

func (h hardlinkSource) Entries(_ context.Context, env *Env) ([]*plan.Entry, error) {
	j := env.job(&h.Item)
	return j.links(h.Target, []string{h.Dst}), nil
}
