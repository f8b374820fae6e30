package manifests

import (
	"slices"

	"github.com/mkinitfs/mkinitfs/internal/arch"
)

// Archs lists the architectures that a manifest may name: Go's names for
// Linux, with the version of the instruction set for 32-bit ARM.
func Archs() []string { return arch.Names() }

// ParseArch returns the name in [Archs] that text stands for: "arm" is
// "arm/v7", every other name is itself.
func ParseArch(text string) (string, error) {
	if name := arch.Name(text); slices.Contains(Archs(), name) {
		return name, nil
	}
	if name := arch.Elsewhere(text); name != "" {
		return "", advise("write "+name, "unknown architecture %s", quote(text))
	}
	return "", unknown("architecture", text, Archs())
}
