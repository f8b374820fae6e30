//go:build linux

package image

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// Extraction unpacks the root of an image, as [List] shows it, into a directory. Names and
// links are followed as if that directory were the root of the file system: nothing in the
// image leads out of it.
//
// An entry replaces a file at its name, or an empty directory. A directory stays if the entry
// is one too. Modes are those of the image, whatever the umask.
//
// Other users gain nothing that the image does not give them, whatever they do meanwhile. A
// new directory belongs to the caller, mode 0700, until everything below it is complete. If
// others can write to an existing directory, entries for it are made in a directory of the
// caller and then renamed into place.
type Extraction struct {
	Dir *os.File // stays open

	// Outer unpacks what the kernel unpacks instead: the stub and the members.
	Outer bool
	// Parents makes directories that the image has no entry for. The kernel does not.
	Parents bool
	// User decides which owners, set-id bits and device nodes are kept. nil is the user of
	// this process.
	User *User
	// Select, if set, reports whether an entry is wanted. Its path is absolute and clean.
	Select func(path string) bool
	// Lend, if set, reports whether the caller will bring a character device itself. An empty
	// file takes its place.
	Lend func(Device) bool
	// Planned, if set, is called with the boot plan as soon as that is read.
	Planned func(p *bootplan.Plan) error

	// Squashed counts the wanted entries given to root because their owners have no ids here.
	Squashed int
	// Skipped lists the device nodes left out because only root can make them.
	Skipped []string
	// Lent holds the devices that Lend has accepted, by path.
	Lent map[string]Device
	// Unset holds an error for every extended attribute that could not be set.
	Unset []error
	// Kept lists directories that stood before and keep their own owner or mode, because
	// somebody else may have put them there.
	Kept []string
	// Findings name the parts of the image that do not arrive as they were written.
	Findings Findings

	ctx      context.Context
	info     *Info // as far as the image has been read
	root     *kernelRoot
	now      outcome // of the current entry
	maker    maker
	stages   stages
	resolver *resolver
	plan     *bootplan.Plan
	once     map[string]bool        // paths outside the members that are of the root all the same
	nested   bool                   // the root comes in members
	made     []string               // places of what was unpacked before that was known
	dirs     map[string]madeDir     // directories, which get their attributes in the end
	omitted  map[string]cpio.Header // directories that were not wanted; wanted entries may lie in them
	chosen   map[string]string      // places of wanted entries, by name
	spare    map[string]where       // files that were not wanted; another of their names may be
	first    map[uint64]where       // files that may have more names, by fileOf
	early    map[string]bool        // places of what was given to others without extended attributes
	writers  writers
	mu       sync.Mutex // for Unset
}

// Extract reads the image r to its end, or until ctx is done. After an error Dir holds the
// entries before it.
func (x *Extraction) Extract(ctx context.Context, r io.Reader) (err error) {
	if x.User == nil {
		if x.User, err = CurrentUser(); err != nil {
			return err
		}
	}
	if x.resolver, err = newResolver(int(x.Dir.Fd())); err != nil {
		return err
	}
	defer x.resolver.close()
	x.ctx, x.stages.user = ctx, x.resolver.user
	x.maker.unset = x.unset
	x.Lent = map[string]Device{}
	x.dirs, x.omitted = map[string]madeDir{}, map[string]cpio.Header{}
	x.chosen, x.spare = map[string]string{}, map[string]where{}
	x.first, x.early = map[uint64]where{}, map[string]bool{}
	x.writers.start()
	w := &walker{visit: x.entry, info: &Info{}, outer: x.Outer}
	w.whole.sums = true
	x.info, x.root = w.info, newKernelRoot(w.report)
	err = w.image(r)
	x.Findings = w.info.Findings
	// After an error, too, the existing entries become complete.
	for _, step := range []func() error{x.writers.wait, x.setXattrs, x.stages.remove, x.setDirs} {
		if stepErr := step(); err == nil {
			err = stepErr
		}
	}
	return err
}

func (x *Extraction) unset(err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.Unset = append(x.Unset, err)
}

// entry decides whether an entry is part of the root.
func (x *Extraction) entry(e *Entry, body io.Reader) error {
	at := e.Path()
	switch {
	case x.Outer:
	case e.Member != "":
		if err := x.nest(); err != nil {
			return err
		}
	case at == "/"+bootplan.Path:
		return x.readPlan(body)
	case x.nested && x.once[at]:
	case x.nested:
		return nil
	default:
		at, ok := inRoot(x.plan, e)
		if !ok {
			return nil
		}
		if at != e.Path() || e.HardLinkOf != "" {
			moved := *e
			putAt(x.plan, &moved, at)
			e = &moved
		}
	}
	return x.stand(e, body)
}

// stand makes an entry as the kernel would.
func (x *Extraction) stand(e *Entry, body io.Reader) error {
	kept := *e
	x.now = x.root.add(&kept)
	for _, place := range x.now.removed {
		if err := x.giveWay(place); err != nil {
			return err
		}
	}
	h := x.now.header
	h.Name, h.Size = cmp.Or(x.now.place, "."), e.Size
	squashed := x.User.own(&h)
	switch {
	case x.now.dropped:
		if dir, ok := x.dirs[h.Name]; x.now.touched && (ok || h.Name == ".") {
			if !ok {
				dir = madeDir{cpio.Header{Name: h.Name, MTime: timeStays}, h.Name}
			}
			dir.Mode, dir.UID, dir.GID = h.Mode, h.UID, h.GID
			x.dirs[h.Name] = dir
		}
		return nil
	case h.Type() == cpio.TypeLink && e.Link == "":
		x.info.Findings.add(targetEmpty, Finding{Segment: e.Segment, Member: e.Member, Offset: e.begin, Path: e.Name})
		return nil
	}
	h.Ino, h.DevMajor, h.DevMinor = uint32(x.now.file), uint32(x.now.file>>32), 0 // two archives may use one number
	wanted := x.wants(&h, squashed)
	if err := x.ctx.Err(); err != nil {
		return err
	}
	return x.choose(e, &h, body, wanted)
}

// giveWay removes what the image has brought to a place when a later entry makes the kernel
// remove it.
func (x *Extraction) giveWay(place string) error {
	at, ok := x.chosen[place]
	if !ok {
		return nil // it is not there, or not the image's
	}
	delete(x.chosen, place)
	return x.takeBack(at)
}

// takeBack removes what the image has brought to a place. A directory stays if it is not
// empty.
func (x *Extraction) takeBack(place string) error {
	err := x.remove(place)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTEMPTY) {
		return nil
	}
	return err
}

// relativeName returns an absolute path as a name relative to the root.
func relativeName(path string) string {
	if path == "/" {
		return "."
	}
	return path[1:]
}

func (x *Extraction) readPlan(body io.Reader) error {
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	if x.plan, err = bootplan.Parse(text); err != nil {
		return fmt.Errorf("%s: %w", bootplan.Path, err)
	}
	x.once = storedOnce(x.plan)
	if x.Planned != nil {
		if err := x.Planned(x.plan); err != nil {
			return err
		}
	}
	if len(x.plan.Members) > 0 {
		return x.nest()
	}
	return nil
}

// nest removes what was unpacked before the members showed that they hold the root.
func (x *Extraction) nest() error {
	if x.nested {
		return nil
	}
	x.nested = true
	for _, name := range slices.Backward(x.made) {
		if err := x.takeBack(name); err != nil {
			return err
		}
	}
	x.made = nil
	top, found := x.dirs["."]
	clear(x.dirs)
	if found {
		x.dirs["."] = top
	}
	x.root = newKernelRoot(x.root.report)
	clear(x.chosen)
	clear(x.first)
	clear(x.early)
	clear(x.Lent)
	x.Squashed, x.Skipped = 0, nil
	return nil
}

// choose makes an entry if it is wanted. Of others it keeps what wanted entries may need.
func (x *Extraction) choose(e *Entry, h *cpio.Header, body io.Reader, wanted bool) error {
	name, kind := h.Name, h.Type()
	read := func() io.WriterTo {
		if e.Link != "" {
			return strings.NewReader(e.Link)
		}
		return x.writers.body(e, body)
	}
	switch {
	case wanted:
	case kind == cpio.TypeDir:
		x.omitted[name] = *h
		return nil
	case kind == cpio.TypeFile && h.Nlink > 1:
		return x.addSpare(h, read()) // it may have another name, which is wanted
	default:
		return nil
	}
	err := x.add(h, read)
	x.chosen[name] = h.Name
	return err
}
