package manifests

import (
	"slices"

	"github.com/mkinitfs/mkinitfs/internal/arch"
)

// Archs lists the architectures that a manifest may name: Go's names for
// Linux, with the version of the instruction set for 32-bit ARM.
func Archs() []string { return arch.Names() }

// AutoArch as the Arch of a [Manifest] means the architecture of the program that the image
// starts.
const AutoArch = "auto"

// parseManifestArch reads the key arch.
func parseManifestArch(text string) (string, error) {
	if text == AutoArch {
		return AutoArch, nil
	}
	return ParseArch(text)
}

// ParseArch returns the name in [Archs] that text stands for: "arm/v7" for "arm", else text
// itself. Any other name is an error.
func ParseArch(text string) (string, error) {
	if name := arch.Name(text); slices.Contains(Archs(), name) {
		return name, nil
	}
	if name := arch.Elsewhere(text); name != "" {
		return "", advise("write "+name, "unknown architecture %s", quote(text))
	}
	return "", unknown("architecture", text, Archs())
}
