package source

import (
	"cmp"
	"fmt"
)

// Limits bound each archive, so that a small one cannot take all memory or disk space. 0 means
// the default.
type Limits struct {
	Entries  int64 // 1,000,000 by default
	Unpacked int64 // bytes, 16 GiB by default
}

// Check returns an error if a limit is negative.
func (l Limits) Check() error {
	if l.Entries < 0 || l.Unpacked < 0 {
		return fmt.Errorf("limits of %d entries and %d bytes: want none below 0", l.Entries, l.Unpacked)
	}
	return nil
}

func (l Limits) entries() int64  { return cmp.Or(l.Entries, 1_000_000) }
func (l Limits) unpacked() int64 { return cmp.Or(l.Unpacked, 16<<30) }

// tooMany returns the error for a source with too many entries.
func (l Limits) tooMany() error {
	return advise("--source-entries N allows more", "more than %d entries", l.entries())
}

// tooLarge returns the error for a source that unpacks to too many bytes.
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
