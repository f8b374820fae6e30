package builder

import (
	"fmt"
	"path/filepath"
	"slices"

	"github.com/mkinitfs/mkinitfs/internal/depfile"
	"github.com/mkinitfs/mkinitfs/internal/newfile"
)

// Depfile asks for a file that tells make and ninja the inputs of an image: the manifest, all
// files that were read or run, and the directories that were listed, so that added and removed
// files count as well. Without a Path there is none.
type Depfile struct {
	Path   string // written beside and renamed, before the image gets its name
	Target string // what depends, as make is to read it; for BuildFile "" is the image
	Phony  bool   // a target without prerequisites for each input, so that make goes on when one has gone
}

// inputs returns the inputs of the image without the manifest.
func inputs(p *prepared) []string {
	all := slices.Concat(p.manifest.Included, p.notes.inputs)
	if p.options.Stub != "" {
		all = append(all, p.options.Stub)
	}
	for _, e := range p.root.entries {
		if e.Data.Path != "" {
			all = append(all, e.Data.Path)
		}
	}
	for i, path := range all {
		all[i] = filepath.Clean(path)
	}
	return all
}

// spare refuses to write over an input of the image.
func spare(p *prepared, outputs ...string) error {
	files := slices.Concat(p.manifest.Files, inputs(p))
	for _, out := range outputs {
		if newfile.Replaces(out, files) {
			return fmt.Errorf("write %s: the image is made of it", out)
		}
	}
	return nil
}

// writeDepfile writes the file that was asked for.
func writeDepfile(p *prepared) error {
	d := p.options.Depfile
	if d.Path == "" {
		return nil
	}
	return depfile.Write(d.Path, depfile.Rule{Target: d.Target, First: p.manifest.Files, Rest: inputs(p), Phony: d.Phony})
}
