package builder

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/internal/depfile"
)

// Depfile asks for a file that tells make and ninja what an image depends on: the
// manifest, all files that were read or run, and the directories whose names were read, so
// that a file that comes or goes counts as well. Without a Path there is none.
type Depfile struct {
	Path   string // written beside and renamed, before the image gets its name
	Target string // what depends, as make is to read it; for BuildFile "" is the image
	Phony  bool   // a target without prerequisites for each input, so that make goes on when one has gone
}

// inputs returns what the image is made of, but for the manifest.
func inputs(p *prepared) []string {
	all := slices.Clone(p.notes.inputs)
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

// spare refuses to write over what the image is made of.
func spare(p *prepared, outputs ...string) error {
	for _, out := range outputs {
		info, err := os.Stat(out)
		if err != nil {
			continue // nothing is lost
		}
		for _, in := range slices.Concat(p.manifest.Files, inputs(p)) {
			if filepath.Base(in) != filepath.Base(out) {
				continue // the output is renamed: another name of the same file is safe
			}
			if other, err := os.Stat(in); err == nil && os.SameFile(info, other) {
				return fmt.Errorf("write %s: the image is made of it", out)
			}
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

// touch makes the image newer than the directory that it was renamed in. If that is an input,
// the image would be out of date for ever.
func touch(path string) error {
	times := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, {Nsec: unix.UTIME_NOW}}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, path, times, 0); err != nil {
		return &fs.PathError{Op: "touch", Path: path, Err: err}
	}
	return nil
}
