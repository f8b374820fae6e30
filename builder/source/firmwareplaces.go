package source

import (
	"path"
	"strings"

	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/kmod"
)

// firmwareTop is the directory where the kernel looks for firmware.
const firmwareTop = "/lib/firmware"

// firmwarePlaces returns the paths at which a kernel looks for firmware, in its order
// (_request_firmware in drivers/base/firmware_loader/main.c).
func firmwarePlaces(release, name string) []string {
	return placesWith(release, name, func(major, minor int) bool { return kmod.Since(release, major, minor) })
}

// packedPlaces is firmwarePlaces for a kernel that knows all codecs.
func packedPlaces(release, name string) []string {
	return placesWith(release, name, func(int, int) bool { return true })
}

func placesWith(release, name string, since func(major, minor int) bool) []string {
	var places []string
	for _, suffix := range append([]string{""}, compress.Firmware(since)...) {
		for _, dir := range []string{"updates/" + release, "updates", release, ""} {
			places = append(places, path.Join(firmwareTop, dir, name+suffix))
		}
	}
	return places
}

// isFirmware reports whether the kernel would look for a name below its directories, and nowhere
// else.
func isFirmware(name string) bool { return name != "" && path.Clean("/"+name) == "/"+name }

// underFirmware returns the part of a path below the directory of firmware.
func underFirmware(place string) (below string, ok bool) {
	for _, top := range []string{"/usr" + firmwareTop, firmwareTop} {
		if below, ok := strings.CutPrefix(place, top); ok && (below == "" || below[0] == '/') {
			return below, true
		}
	}
	return "", false
}

// packedSuffix returns the suffix of compressed firmware, or "" for a name without one.
func packedSuffix(name string) string {
	for _, suffix := range compress.Firmware(func(int, int) bool { return true }) {
		if strings.HasSuffix(name, suffix) {
			return suffix
		}
	}
	return ""
}
