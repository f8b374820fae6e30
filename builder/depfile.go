package builder

import (
	"bufio"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/internal/newfile"
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

// writeDepfile writes the file that was asked for. The manifest comes first.
func writeDepfile(p *prepared) error {
	d := p.options.Depfile
	if d.Path == "" {
		return nil
	}
	prerequisites := inputs(p)
	slices.Sort(prerequisites)
	prerequisites = slices.Compact(prerequisites)
	for _, path := range slices.Concat([]string{d.Target}, p.manifest.Files, prerequisites) {
		if strings.ContainsAny(path, "\r\n") {
			return fmt.Errorf("write %s: no depfile can hold the line break in %q", d.Path, path)
		}
	}
	for i, path := range prerequisites {
		prerequisites[i] = makeName(path)
	}
	newfile.Sweep(d.Path)
	f, err := newfile.Create(d.Path, 0o666)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	fmt.Fprintf(w, "%s:", d.Target)
	for _, file := range p.manifest.Files {
		fmt.Fprintf(w, " %s", makeName(filepath.Clean(file)))
	}
	for _, name := range prerequisites {
		fmt.Fprintf(w, " \\\n  %s", name)
	}
	w.WriteByte('\n')
	if d.Phony {
		for _, name := range prerequisites {
			fmt.Fprintf(w, "\n%s:\n", name)
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.Place()
}

// makeName returns a file name as GNU make reads it (GCC writes the same). Backslashes
// are doubled at the end and before what is quoted by one, and only there.
func makeName(name string) string {
	var b strings.Builder
	slashes := 0
	for _, c := range []byte(name) {
		switch c {
		case '$':
			b.WriteByte('$')
		case ' ', '\t', '#', ':':
			b.WriteString(strings.Repeat(`\`, slashes+1))
		}
		b.WriteByte(c)
		if slashes++; c != '\\' {
			slashes = 0
		}
	}
	b.WriteString(strings.Repeat(`\`, slashes))
	return b.String()
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
