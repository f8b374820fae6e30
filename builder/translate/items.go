package translate

import (
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// Item is the part of the root from one item of the manifest's contents, including directories
// made for it.
type Item struct {
	Place    string `json:"place"` // "root.yaml:12:3"
	Type     string `json:"type"`
	Entries  int    `json:"entries"`
	Unpacked int64  `json:"unpacked"` // bytes of its files
}

// Items sums up the plan by the manifest's items.
func Items(contents []manifests.Content, entries []*plan.Entry) []Item {
	byOrigin := plan.ByOrigin(entries)
	items := make([]Item, len(contents))
	for i, c := range contents {
		place := c.Common().Pos.String()
		items[i] = Item{Place: place, Type: c.Type(), Entries: len(byOrigin[place]), Unpacked: plan.Unpacked(byOrigin[place])}
	}
	return items
}
