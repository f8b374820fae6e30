package builder

import (
	"errors"
	"fmt"
	"strings"

	"github.com/mkinitfs/mkinitfs/manifests"
)

var errEarly = errors.New("a source has microcode or ACPI tables, which the kernel wants uncompressed at the start: take layout: segments")

// checkEarly checks what has been found for the start of the image.
func checkEarly(p *prepared) error {
	if o := p.manifest.Output; o.Layout == manifests.Stream && len(p.notes.early) > 0 {
		return atPos(o.LayoutPos, errEarly)
	}
	places := map[string]string{} // of the sources, by path
	for _, e := range p.notes.early {
		p.root.private = p.root.private || e.Private
		for _, path := range e.Files {
			first, twice := places[path]
			switch {
			case !twice:
				places[path] = e.Origin
			case first != e.Origin: // of two in one source its reader warns
				p.notes.warn(fmt.Sprintf("%s: %s: already in front at %s: %s", e.Origin, path, first, fate(path)))
			}
		}
	}
	return nil
}

// fate says what the kernel makes of two early files with one path. It looks for microcode by
// its whole path; every file below the other directory is a table (acpi_table_initrd_init
// in drivers/acpi/tables.c).
func fate(path string) string {
	if strings.HasPrefix(path, "/kernel/firmware/acpi/") {
		return "the kernel reads both"
	}
	return "the kernel takes the first"
}
