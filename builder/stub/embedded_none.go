//go:build !mkinitfs_stubs

package stub

// embedded finds nothing: this mkinitfs was built without stubs.
func embedded(Variant) ([]byte, bool, error) { return nil, false, nil }

func carried() []string { return nil }
