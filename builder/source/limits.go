package source

import (
	"cmp"
	"fmt"
)

// Limits bound each source that others have made, so that a small one cannot take all
// memory or all disk space. 0 is the default.
type Limits struct {
	Entries  int64 // 1,000,000 by default
	Unpacked int64 // bytes, 16 GiB by default
}

func (l Limits) entries() int64  { return cmp.Or(l.Entries, 1_000_000) }
func (l Limits) unpacked() int64 { return cmp.Or(l.Unpacked, 16<<30) }

// tooMany says that a source has too many entries.
func (l Limits) tooMany() error {
	return advise("--source-entries N allows more", "more than %d entries", l.entries())
}

// tooLarge says that a source unpacks to too much.
func (l Limits) tooLarge() error {
	most := l.unpacked()
	text := fmt.Sprintf("%d bytes", most)
	for i, unit := range []string{"KiB", "MiB", "GiB"} {
		if size := int64(1) << (10 * (i + 1)); most%size == 0 {
			text = fmt.Sprintf("%d %s", most/size, unit)
		}
	}
	return advise("--source-size SIZE allows more", "unpacks to more than %s", text)
}
