package source

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// Env is what the sources of one build share. The zero value works.
type Env struct {
	Clock Clock
	Arch  string   // that the image is for, as in [gobuild.Target]
	Stdin *os.File // for an archive that comes in there, which closes it; nil for none

	// NoStub says that the image has no stub: nothing sets extended attributes then.
	NoStub bool

	// Fakeroot is the name of a program that pretends owners, modes and types other than
	// those on disk, or "". An item that depends on them is an error.
	Fakeroot string

	// Input is called with the paths of the host that decide about the entries, beside what
	// these are read from: files, and directories for the names in them. It may be nil.
	Input func(path string)

	// Warn is called with a warning that begins with the place of the item. It is about a
	// difference between source and image, or a likely mistake. It may be nil.
	Warn func(text string)

	// Early is called with what a source has for the start of the image. It may be nil.
	Early func(Early)

	// Limits bound what sources from elsewhere bring.
	Limits Limits

	kept     closers
	archives int32
}

// Close closes the files that the entries are read from. A nil Env has none.
func (e *Env) Close() error {
	if e == nil {
		return nil
	}
	err := e.kept.Close()
	e.kept = nil
	return err
}

// keep leaves c open until Close.
func (e *Env) keep(c io.Closer) { e.kept = append(e.kept, c) }

// archive returns another value for [plan.Entry.Source] each time, above 0.
func (e *Env) archive() int32 {
	e.archives++
	return e.archives
}

// closers are closed together, in order.
type closers []io.Closer

func (c closers) Close() error {
	var errs []error
	for _, one := range c {
		errs = append(errs, one.Close())
	}
	return errors.Join(errs...)
}

// Clock is the time of a build: SOURCE_DATE_EPOCH
// (https://reproducible-builds.org/specs/source-date-epoch).
type Clock struct {
	Epoch int64 // in seconds since the epoch
	Set   bool
}

// ClockAt returns the clock at so many seconds since the epoch. nil is a clock that is not set.
func ClockAt(epoch *int64) Clock {
	if epoch == nil {
		return Clock{}
	}
	return Clock{Epoch: *epoch, Set: true}
}

// clamp returns t, but no time after the build's.
func (c Clock) clamp(t int64) int64 {
	if c.Set {
		return min(t, c.Epoch)
	}
	return t
}

// job is one item of contents at work: the environment, and what every entry of the item
// has.
type job struct {
	*Env
	origin  string // where it stands in the manifest: "root.yaml:12:3"
	replace bool   // take the place of what was added before
}

func (e *Env) job(i *manifests.Item) job { return job{e, i.Pos.String(), i.Replace} }

func (j *job) warn(format string, args ...any) {
	if j.Warn != nil {
		j.Warn(j.origin + ": " + fmt.Sprintf(format, args...))
	}
}

func (j *job) input(path string) {
	if j.Input != nil {
		j.Input(path)
	}
}

// inputAbove counts the directory above path as input, or the nearest one above that exists.
// It is for a path that does not exist, and for a symbolic link that may lead nowhere.
func (j *job) inputAbove(path string) {
	dir := filepath.Dir(path)
	for _, err := os.Stat(dir); err != nil && dir != filepath.Dir(dir); _, err = os.Stat(dir) {
		dir = filepath.Dir(dir)
	}
	j.input(dir)
}

// entry starts an entry of the item.
func (j *job) entry(path string, mode uint32) *plan.Entry {
	return &plan.Entry{Path: path, Mode: mode, Origin: j.origin, Replace: j.replace}
}

// links returns entries for further names of the file at path.
func (j *job) links(path string, names []string) []*plan.Entry {
	var entries []*plan.Entry
	for _, name := range names {
		e := j.entry(name, plan.TypeFile)
		e.HardLink, e.Target = true, path
		entries = append(entries, e)
	}
	return entries
}
