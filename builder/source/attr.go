package source

import (
	"math"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// set gives e the owner, the time and the extended attributes of the item. info describes the
// host's file, or is nil.
func (j *job) set(e *plan.Entry, a *manifests.Attr, info *unix.Stat_t) {
	e.MTime, e.Xattrs = j.Clock.Epoch, a.Xattrs
	if a.MTime.Rule == manifests.MTimeSet {
		e.MTime = a.MTime.Time.Unix()
	}
	if info != nil {
		switch a.MTime.Rule {
		case manifests.MTimeKeep:
			e.MTime = int64(info.Mtim.Sec)
		case manifests.MTimeClamp:
			e.MTime = j.Clock.clamp(int64(info.Mtim.Sec))
		}
		if a.Owner.Keep {
			e.UID, e.GID = info.Uid, info.Gid
		}
	}
	e.Own(a.Owner.UID, a.Owner.GID, Names(a.Owner))
}

// Names returns the names of an owner.
func Names(o manifests.Owner) plan.Names {
	var names plan.Names
	if o.User != "" {
		names.User = plan.Name{Origin: o.Pos.String(), Text: o.User}
	}
	if o.Group != "" {
		names.Group = plan.Name{Origin: o.Pos.String(), Text: o.Group}
	}
	return names
}

// holdTimes clamps times that newc cannot hold.
func (j *job) holdTimes(entries []*plan.Entry) {
	var moved tally
	for _, e := range entries {
		if held := min(max(e.MTime, 0), math.MaxUint32); held != e.MTime {
			e.MTime = held
			moved.add(e.Path)
		}
	}
	if moved.n > 0 {
		j.warn("times outside 1970-01-01 .. 2106-02-07, all that newc holds, are clamped: %s", &moved)
	}
}
