//go:build mkinitfs_stubs

package stub

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"
)

//go:embed embedded/*.zst
var stubs embed.FS

// embedded returns a stub that this program carries.
func embedded(v Variant) ([]byte, bool, error) {
	packed, err := stubs.ReadFile("embedded/" + v.FileName())
	if err != nil {
		return nil, false, nil
	}
	dec, err := zstd.NewReader(nil)
	if err != nil {
		return nil, false, err
	}
	defer dec.Close()
	data, err := dec.DecodeAll(packed, nil)
	if err != nil {
		return nil, false, fmt.Errorf("embedded stub for %s: %w", v.Arch, err)
	}
	return data, true, nil
}

// carried are the architectures of the stubs that this program carries.
func carried() []string {
	var archs []string
	entries, _ := stubs.ReadDir("embedded")
	for _, e := range entries {
		arch, _, _ := strings.Cut(e.Name(), ".")
		archs = append(archs, strings.ReplaceAll(arch, "-", "/"))
	}
	return slices.Compact(archs)
}
