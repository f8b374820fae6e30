//go:build linux

package image

import (
	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// Device is the number of a device node.
type Device struct{ Major, Minor uint32 }

// wants reports whether an entry is to be made. The entry may have been squashed. wants
// changes the type if the caller lends the device.
func (x *Extraction) wants(h *cpio.Header, squashed bool) bool {
	path := "/" + h.Name
	if h.Name == "." {
		path = "/"
	}
	delete(x.Lent, path) // the later entry counts
	if x.Select != nil && !x.Select(path) {
		return false
	}
	if squashed {
		x.Squashed++
	}
	device := Device{h.RdevMajor, h.RdevMinor}
	switch kind := h.Type(); {
	case kind != cpio.TypeChar && kind != cpio.TypeBlock:
	case kind == cpio.TypeChar && x.Lend != nil && x.Lend(device):
		h.Mode = h.Mode&^cpio.TypeMask | cpio.TypeFile
		x.Lent[path] = device
	case !x.User.Exact():
		x.Skipped = append(x.Skipped, path)
		return false
	}
	return true
}
