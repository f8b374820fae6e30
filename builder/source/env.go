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

// Env is the environment that the sources of one build share. The zero value works.
type Env struct {
	Clock Clock
	Arch  string   // architecture of the image, as in [gobuild.Target]
	Stdin *os.File // for an archive on standard input, which closes it; nil for none

	// NoStub means that the image has no stub, so nothing sets extended attributes.
	NoStub bool

	// Fakeroot is the name of a program that pretends other owners, modes and types than those
	// on disk, or "". An item that depends on them is an error.
	Fakeroot string

	// Input is called with each path of the host that decides which entries there are: files,
	// and directories for the names in them. It is not called for the files that entries are
	// read from. It may be nil.
	Input func(path string)

	// Warn is called with a warning that begins with the place of the item. It is about a
	// difference between source and image, or a likely mistake. It may be nil.
	Warn func(text string)

	// Early is called with the archives of a source for the start of the image. It may be nil.
	Early func(Early)

	// Load has the modules that the stub loads. It needs them without compression.
	Load []manifests.InitModule

	// Limits bound archives.
	Limits Limits

	kept     closers
	archives int32
	images   []ociProcess // what containers' images say of their processes
	firmware []firmware
}

// Close closes the files that the entries are read from. It does nothing for a nil Env.
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

// archive returns a new value for [plan.Entry.Source] each time, above 0.
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

// ClockAt returns a clock set to so many seconds since the epoch. For nil the clock is not set.
func ClockAt(epoch *int64) Clock {
	if epoch == nil {
		return Clock{}
	}
	return Clock{Epoch: *epoch, Set: true}
}

// clamp returns t, or the build's time if t is later.
func (c Clock) clamp(t int64) int64 {
	if c.Set {
		return min(t, c.Epoch)
	}
	return t
}

// job is the work on one item of contents: the environment, and the fields that all its entries
// share.
type job struct {
	*Env
	origin  string // place in the manifest: "root.yaml:12:3"
	replace bool   // replace entries that were added before
	from    bool   // of --from, without a manifest of the user's
}

func (e *Env) job(i *manifests.Item) job {
	return job{e, i.Pos.String(), i.Replace, i.Pos.File == manifests.FromFile}
}

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
// Callers need it for a path that does not exist, and for a symbolic link that may lead
// nowhere.
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
