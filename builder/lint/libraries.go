package lint

import (
	"cmp"
	"debug/elf"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// missingLibraries returns the libraries that a program or one of its libraries needs and the
// root lacks. The root has a library if a file in any directory has its name, or if a loaded
// library has that DT_SONAME.
func missingLibraries(r Root, program *elf.File, loader string) []string {
	entries := r.Entries()
	have := map[string]bool{path.Base(loader): true}
	if e := plan.Find(entries, loader); e != nil {
		_, name := library(r, e)
		have[name] = true
	}
	isMusl := func(name string) bool { return strings.HasPrefix(path.Base(name), "ld-musl-") }
	musl := isMusl(loader) || slices.ContainsFunc(entries, func(e *plan.Entry) bool { return isMusl(e.Path) })
	missing := map[string]string{} // with the target, if it is a link that leads nowhere
	seen := map[string]bool{}
	for needed, _ := dynamic(program); len(needed) > 0; {
		wanted := map[string]*plan.Entry{}
		for _, name := range needed {
			if name = path.Base(name); !seen[name] && !(musl && inMusl(name)) {
				wanted[name] = nil
			}
			seen[name] = true
		}
		for _, e := range entries {
			name := path.Base(e.Path)
			if found, ok := wanted[name]; ok && found == nil {
				wanted[name] = plan.Find(entries, e.Path)
				if e.IsLink() {
					missing[name] = name + " -> " + e.Target
				}
			}
		}
		needed = nil
		for name, e := range wanted {
			if e == nil {
				missing[name] = cmp.Or(missing[name], name)
				continue
			}
			delete(missing, name)
			more, own := library(r, e)
			needed = append(needed, more...)
			have[own] = true
		}
	}
	maps.DeleteFunc(missing, func(name, _ string) bool { return have[name] })
	return slices.Sorted(maps.Values(missing))
}

// library returns the libraries that a library needs, and its DT_SONAME.
func library(r Root, e *plan.Entry) (needed []string, name string) {
	file, err := r.Open(e)
	if err != nil {
		return nil, ""
	}
	defer file.Close()
	f, err := elf.NewFile(file)
	if err != nil {
		return nil, ""
	}
	return dynamic(f)
}

// inMusl reports whether musl's loader takes the place of a library (ldso/dynlink.c).
func inMusl(library string) bool {
	name, _, _ := strings.Cut(library, ".")
	switch name {
	case "libc", "libpthread", "librt", "libm", "libdl", "libutil", "libxnet":
		return true
	}
	return false
}
