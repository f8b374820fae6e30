package manifests

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// Modules are kernel modules of one kernel, with the modules and the firmware that they need,
// and the files that modprobe reads. They go to /lib/modules and /lib/firmware, where the
// kernel and modprobe look.
type Modules struct {
	Item            // Dst is not used
	Src      string // host path, joined with its directory: /lib/modules/VERSION of a root, or a directory above it
	Modules  []Glob // names, aliases or paths, or patterns of these
	Firmware *Firmware
	Compress string // "keep" (default), "none"
	Optional bool   // a missing source is not an error
}

// Firmware says where the firmware of modules comes from.
type Firmware struct {
	Pos     Pos
	Src     string // host path, joined with its directory: /lib/firmware of a root
	Missing string // "warn" (default), "error"
}

var modulesKeys = []Key{
	{Name: "src", Kind: KindHostPath, Required: true,
		Doc: "The directory of a kernel's modules, `lib/modules/VERSION`, or a directory with one of these in it."},
	{Name: "modules", Kind: KindPatterns, Required: true,
		Doc: "The modules: names, aliases such as `pci:v00001AF4d*`, or paths such as `drivers/net/**`. What they depend on comes along."},
	{Name: "firmware", Kind: KindMapping, Doc: "Where the firmware that the modules name comes from."},
	{Name: "compress", Kind: KindWord, Default: "keep", Values: []string{"keep", "none"},
		Doc: "Whether compressed modules and firmware stay compressed. Modules that `init.modules` loads never do."},
	replaceKey,
	optionalKey,
}

var firmwareSection = Section{Path: "firmware", Keys: []Key{
	{Name: "src", Kind: KindHostPath, Required: true, Doc: "A directory of firmware, `lib/firmware`."},
	{Name: "missing", Kind: KindWord, Default: "warn", Values: []string{"warn", "error"},
		Doc: "What happens if a module names firmware that is not there."},
}}

func (*Modules) Type() string { return "modules" }

func readModules(o *object) Content {
	m := &Modules{Item: o.item(), Src: o.source(), Modules: o.globs("modules", parseModule)}
	m.Dst = "/"
	if at := o.get("modules"); at != nil && at.kind == list && len(at.items) == 0 {
		o.add(at.pos, errNoModules)
	}
	m.Firmware = readFirmware(o)
	choose(o, "compress", &m.Compress)
	set(o, "optional", &m.Optional, parseBool)
	return m
}

var errNoModules = errors.New("modules: want one at least")

func readFirmware(item *object) *Firmware {
	o := item.object(item.get("firmware"), "firmware", &firmwareSection)
	if o.absent {
		return nil
	}
	o.require("firmware")
	f := &Firmware{Pos: o.pos, Src: o.source()}
	choose(o, "missing", &f.Missing)
	return f
}

// parseModule reads a pattern for modules. One with a colon is for aliases, one with a slash for
// paths below the source, and any other for names.
func parseModule(text string) (string, error) {
	if _, err := parseWord(text); err != nil {
		return "", err
	}
	isPath := strings.Contains(text, "/") && !strings.Contains(text, ":")
	switch clean := path.Clean(text); {
	case isPath && text[0] == '/':
		return "", advise("a path begins below the source, as in drivers/net/**", "an absolute path")
	case isPath && clean != text:
		return "", fmt.Errorf("not clean, write %q", clean)
	case strings.ContainsAny(text, " \t\n"):
		return "", errors.New("a blank in it")
	case !doublestar.ValidatePattern(text):
		return "", errPattern
	}
	return text, nil
}

func (m *Modules) check(RootType) error {
	errs := []error{checkSource("modules", m.Src), checkGlobs("modules", m.Modules, parseModule)}
	if len(m.Modules) == 0 {
		errs = append(errs, errNoModules)
	}
	if m.Compress != "" {
		s := contentType{name: "modules", keys: modulesKeys}.section()
		errs = append(errs, s.check("compress", m.Compress))
	}
	if f := m.Firmware; f != nil {
		errs = append(errs, checkSource("firmware", f.Src))
		if f.Missing != "" {
			errs = append(errs, firmwareSection.check("missing", f.Missing))
		}
	}
	return errors.Join(errs...)
}
