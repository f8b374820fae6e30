package manifests

import "slices"

// Archs lists the architectures that a manifest may name: Go's names for
// Linux, with the version of the instruction set for 32-bit ARM.
func Archs() []string {
	return []string{
		"386", "amd64", "arm/v5", "arm/v6", "arm/v7", "arm64", "loong64",
		"mips", "mipsle", "mips64", "mips64le", "ppc64", "ppc64le", "riscv64", "s390x",
	}
}

// ParseArch returns the name in [Archs] that text stands for: "arm" is
// "arm/v7", every other name is itself.
func ParseArch(text string) (string, error) {
	if text == "arm" {
		return "arm/v7", nil
	}
	if slices.Contains(Archs(), text) {
		return text, nil
	}
	if goarch, ok := foreignArch(text); ok {
		return "", advise("write "+goarch, "unknown architecture %s", quote(text))
	}
	return "", unknown("architecture", text, Archs())
}

// foreignArch knows what the names of uname, Debian and GCC are in Go.
func foreignArch(text string) (string, bool) {
	goarch, ok := map[string]string{
		"x86_64": "amd64", "x86-64": "amd64", "x64": "amd64",
		"x86": "386", "i386": "386", "i486": "386", "i586": "386", "i686": "386",
		"aarch64": "arm64", "arm64/v8": "arm64",
		"armel": "arm/v5", "armv5": "arm/v5", "armv6": "arm/v6", "armv6l": "arm/v6",
		"armhf": "arm/v7", "armv7": "arm/v7", "armv7l": "arm/v7",
		"mipsel": "mipsle", "mips64el": "mips64le", "ppc64el": "ppc64le",
		"riscv": "riscv64", "loongarch64": "loong64",
	}[text]
	return goarch, ok
}
