//go:build linux

package image

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/stub/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/stub/unpack"
)

// Extraction unpacks the root that an image brings up, as [List] shows it, into a
// folder. Names and links are followed as if the folder were the root of the file
// system: nothing in the image leads out of it.
//
// An entry takes the place of what is at its name, a folder that has something in it
// excepted; a folder stays for a folder. The caller's umask must be 0.
type Extraction struct {
	Folder *os.File

	// Outer asks for what the kernel unpacks instead: the stub and the members.
	Outer bool
	// Parents makes folders that the image has no entry for, which the kernel does not.
	Parents bool
	// Adapt, if set, sees every entry before it is made. It may change all but its name,
	// which is relative and clean, or say that it is left out.
	Adapt func(h *cpio.Header) (bool, error)
	// Planned, if set, sees the boot plan before anything of the root is unpacked.
	Planned func(p *bootplan.Plan) error

	// Unset are the extended attributes that could not be set.
	Unset []error

	root    *unpack.Root
	links   unpack.Links
	folders *folders
	plan    *bootplan.Plan
	nested  bool                   // the root comes in members
	made    []string               // until it is known whether the root does
	dirs    map[string]cpio.Header // folders, which get their attributes in the end
	omitted map[string]cpio.Header // folders that were left out, for what is in them and was not
	chosen  map[string]string      // what Adapt has not left out: where it is
	spare   map[string]string      // files that were left out, in case that they have other names: where they are
	spares  []string               // names that are removed in the end
	first   map[uint64]string      // where the first name of a file with several is
	writers writers
}

// Extract reads the image r to its end. After an error some of it is unpacked.
func (x *Extraction) Extract(r io.Reader) (err error) {
	fd := int(x.Folder.Fd())
	x.folders = newFolders(fd)
	defer x.folders.close()
	x.root = unpack.NewRoot(fd)
	x.root.Folder = x.folders.find
	x.links = unpack.Links{}
	x.dirs, x.omitted = map[string]cpio.Header{}, map[string]cpio.Header{}
	x.chosen, x.spare, x.first = map[string]string{}, map[string]string{}, map[uint64]string{}
	x.writers.start()
	walk := Walk
	if x.Outer {
		walk = WalkOuter
	}
	info, err := walk(r, x.entry)
	if writeErr := x.writers.wait(); err == nil {
		err = writeErr
	}
	if err == nil {
		err = x.setXattrs(info.Xattrs)
	}
	for _, name := range x.spares {
		if removeErr := x.remove(name); err == nil && !errors.Is(removeErr, unix.ENOENT) {
			err = removeErr
		}
	}
	if err != nil {
		return err
	}
	return x.setFolders()
}

// entry decides what is of the root.
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
	case x.nested:
		return nil
	case at == "/"+bootplan.Init && x.plan != nil:
		at = "/init"
	case at == "/init" && x.plan != nil,
		at == "/"+bootplan.Dir, strings.HasPrefix(at, "/"+bootplan.Dir+"/"):
		return nil
	}
	h := e.Header
	h.Name = cleanName(at)
	h.Ino, h.DevMajor, h.DevMinor = uint32(e.file), uint32(e.file>>32), 0 // two archives may use one number
	return x.adapt(e, &h, body)
}

// cleanName is an absolute path as a name relative to the root.
func cleanName(path string) string {
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

// nest removes what was unpacked before it was known that the root comes in members.
func (x *Extraction) nest() error {
	if x.nested {
		return nil
	}
	x.nested = true
	for _, name := range slices.Backward(x.made) {
		if err := x.remove(name); err != nil && !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTEMPTY) {
			return err
		}
	}
	x.made = nil
	top, found := x.dirs["."]
	clear(x.dirs)
	if found {
		x.dirs["."] = top
	}
	clear(x.chosen)
	clear(x.links)
	clear(x.first)
	return nil
}

// adapt makes an entry as the caller wants it.
func (x *Extraction) adapt(e *Entry, h *cpio.Header, body io.Reader) error {
	wanted := true
	if x.Adapt != nil {
		var err error
		if wanted, err = x.Adapt(h); err != nil {
			return err
		}
	}
	name, kind := h.Name, h.Mode&cpio.TypeMask
	switch {
	case wanted:
	case kind == cpio.TypeDir:
		x.omitted[name] = *h
		return nil
	case kind == cpio.TypeFile && h.Nlink > 1:
		// It may have another name, which is wanted.
		h.Name = x.newSpare()
		x.spare[name] = h.Name
	default:
		return nil
	}
	err := x.add(h, func() io.WriterTo {
		if e.Link != "" {
			return strings.NewReader(e.Link)
		}
		return x.writers.body(e, body)
	})
	if wanted {
		x.chosen[name] = h.Name
	}
	return err
}
