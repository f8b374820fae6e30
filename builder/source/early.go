package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/arch"
	"github.com/mkinitfs/mkinitfs/internal/earlyfile"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// Early holds raw archives for the start of the image. The kernel looks there for microcode and
// ACPI tables before it unpacks anything.
type Early struct {
	At      *os.File // stays open until the [Env] is closed
	Offset  int64
	Size    int64
	Trailer bool       // the last archive has one
	Stamp   plan.Stamp // of the file At; zero for a nameless one
	Align   int64      // of the offset in the image; 0 is any
	Origin  string     // where the source stands in the manifest
	Paths   []string   // of all entries, sorted; the kernel unpacks all of them to rootfs
	Files   []string   // Paths without directories
	Private bool       // not all users of the host may read it

	// Made is the type of the item that the archive was made for, and src its source. Made is ""
	// for a ready archive.
	Made manifests.EarlyType
	src  string
}

// add records the paths in the archives.
func (e *Early) add(found []image.EarlyFile) {
	for _, f := range found {
		e.Paths = append(e.Paths, f.Path)
		if !f.Dir && strings.HasPrefix(f.Path, "/kernel/") { // not dracut's mark
			e.Files = append(e.Files, f.Path)
		}
	}
	e.Paths, e.Files = distinct(e.Paths), distinct(e.Files)
}

func distinct(paths []string) []string {
	slices.Sort(paths)
	return slices.Compact(paths)
}

// ReadEarly passes the archives in an existing file to env.Early, or makes one. An error is of type
// [plan.Errors], or ctx's.
func ReadEarly(ctx context.Context, env *Env, file manifests.EarlyFile) error {
	j := env.job(&manifests.Item{Pos: file.Pos})
	if i := slices.IndexFunc(madeEarlies, func(m madeEarly) bool { return m.kind == file.Type }); i >= 0 {
		return madeEarlies[i].archive(ctx, &j, file)
	}
	format := j.Limits.cpioFormat()
	format.dir = wantEarly
	f, err := openArchive(ctx, &j, file.Src, format)
	if errors.Is(err, fs.ErrNotExist) {
		if file.Optional {
			j.inputAbove(file.Src)
			return nil
		}
		return plan.Errors{j.fail(file.Src, err, "optional: true beside src allows that")}
	}
	if err != nil {
		return archiveProblem(ctx, &j, file.Src, err)
	}
	env.keep(f)
	early := Early{At: f.File, Stamp: f.stamp, Origin: j.origin, Private: f.private}
	err = early.read(ctx, &j, file.Src)
	if err == nil {
		err = f.check()
	}
	if err != nil {
		return archiveProblem(ctx, &j, file.Src, err)
	}
	if j.Early != nil {
		j.Early(early)
	}
	return nil
}

const wantEarly = "early takes uncompressed archives with files below kernel/, as made by: find kernel | cpio -o -H newc; type: microcode or acpi makes one of other files"

// read lists the file At, which must hold nothing but early archives.
func (e *Early) read(ctx context.Context, j *job, src string) error {
	seen := int64(0)
	root, err := image.ReadRoot(ctx, e.At, j.Limits.unpacked(), func(*image.Entry, io.Reader) error {
		if seen++; seen > j.Limits.entries() {
			return j.Limits.tooMany()
		}
		return nil
	})
	switch hint := (*advice)(nil); {
	case errors.Is(err, image.ErrTooLarge):
		return j.Limits.tooLarge()
	case errors.As(err, &hint):
		return err
	case err != nil:
		return advise(wantEarly, "%w", err)
	}
	for _, f := range root.Info.Findings {
		j.warn("%s: %s", src, &f)
	}
	if err := allEarly(root); err != nil {
		return err
	}
	if cut(root.Info, root.Early.Segments) {
		return errors.New("ends in the middle of an entry: the kernel would take what follows as its content")
	}
	e.Offset, e.Size, e.Trailer = root.Early.Offset, root.Early.Size, root.Early.Trailer
	e.add(root.Early.Entries)
	return nil
}

// allEarly returns an error if an image holds anything but early archives.
func allEarly(root *image.Root) error {
	n := root.Early.Segments
	switch info := root.Info; {
	case info.BootConfig > 0:
		return advise("append the configuration to the whole image", "ends with a boot configuration, which the kernel looks for at the end of the image")
	case len(info.Segments) == 0:
		return advise(wantEarly, "holds no archive")
	case n == len(info.Segments):
		return nil
	}
	for i := range root.Entries {
		if e := &root.Entries[i]; e.Segment >= n && !e.IsEarly() {
			return advise("type: cpio in contents takes an initramfs over, with what is early in front of it", "holds %s, which is not below /kernel", e.Path())
		}
	}
	if codec := root.Info.Segments[n].Codec; codec != compress.None {
		return advise("decompress it", "compressed with %s: the kernel looks for microcode and ACPI tables in raw archives only", codec)
	}
	return advise(wantEarly, "holds an archive without a file below /kernel")
}

// CheckEarly returns an error for what kernels of an architecture do not take, and for each path
// that two items make. It warns about each path that is there twice because of a ready archive.
func CheckEarly(all []Early, target string, warn func(text string)) error {
	var problems plan.Errors
	first := map[string]*Early{} // by path
	tables := 0
	for i := range all {
		e := &all[i]
		if err := e.suits(target); err != nil {
			problems = append(problems, err)
		}
		for _, path := range e.Files {
			if isTable(path) {
				tables++
			}
			before := first[path]
			switch {
			case before == nil:
				first[path] = e
			case before.Made != "" && e.Made != "":
				problems = append(problems, &plan.Error{Origin: e.Origin, Path: path, Msg: "already made at " + before.Origin, Hint: "put the files of both into one directory"})
			case before.Origin != e.Origin: // the source's reader warns of two in one source
				warn(fmt.Sprintf("%s: %s: already in front at %s: %s", e.Origin, path, before.Origin, fate(path)))
			}
		}
	}
	if tables > earlyfile.MaxTables {
		warn(fmt.Sprintf("%d ACPI tables in front of the image: the kernel takes the first %d", tables, earlyfile.MaxTables))
	}
	return problems.Sorted()
}

// suits returns an error if no kernel for an architecture looks for what was made.
func (e *Early) suits(target string) *plan.Error {
	switch {
	case e.Made == manifests.EarlyMicrocode && !arch.TakesMicrocode(target):
		return &plan.Error{Origin: e.Origin, Path: e.src, Msg: "no kernel for " + target + " looks for microcode in an image"}
	case e.Made == manifests.EarlyACPI && !arch.TakesACPI(target):
		return &plan.Error{Origin: e.Origin, Path: e.src, Msg: "no kernel for " + target + " looks for ACPI tables in an image"}
	}
	return nil
}

// fate tells what the kernel does with two early files with one path. The kernel looks for
// microcode by its whole path, and takes every file below kernel/firmware/acpi as a table
// (acpi_table_initrd_init in drivers/acpi/tables.c).
func fate(path string) string {
	if isTable(path) {
		return "the kernel reads both"
	}
	return "the kernel takes the first"
}

func isTable(path string) bool { return strings.HasPrefix(path, "/"+earlyfile.Tables) }

// Unchanged returns an error if the file has changed since the source read it.
func (e *Early) Unchanged() error {
	var now unix.Stat_t
	err := unix.Fstat(int(e.At.Fd()), &now)
	if err == nil && e.Stamp != (plan.Stamp{}) && e.Stamp != stamp(&now) {
		err = errors.New("it changed while the image was built")
	}
	if err != nil {
		err = fmt.Errorf("read %s: %w", e.At.Name(), err)
	}
	return err
}
