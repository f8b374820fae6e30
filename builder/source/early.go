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
	"github.com/mkinitfs/mkinitfs/manifests"
)

// Early holds raw archives for the start of the image. The kernel looks there for microcode and
// ACPI tables before it unpacks anything.
type Early struct {
	At      *os.File // stays open until the [Env] is closed
	Offset  int64
	Size    int64
	Trailer bool       // the last archive has one
	Stamp   plan.Stamp // of the file At
	Origin  string     // where the source stands in the manifest
	Paths   []string   // of all entries, sorted; the kernel unpacks all of them to rootfs
	Files   []string   // Paths without directories
	Private bool       // not all users of the host may read it
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

// ReadEarly passes the archives in an existing file to env.Early. An error is of type
// [plan.Errors], or ctx's.
func ReadEarly(ctx context.Context, env *Env, file manifests.EarlyFile) error {
	j := env.job(&manifests.Item{Pos: file.Pos})
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

const wantEarly = "early takes uncompressed archives with files below kernel/, as made by: find kernel | cpio -o -H newc"

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

// WarnEarly warns about each path that several sources put in front of the image.
func WarnEarly(all []Early, warn func(text string)) {
	origins := map[string]string{} // by path
	for _, e := range all {
		for _, path := range e.Files {
			first, twice := origins[path]
			switch {
			case !twice:
				origins[path] = e.Origin
			case first != e.Origin: // the source's reader warns of two in one source
				warn(fmt.Sprintf("%s: %s: already in front at %s: %s", e.Origin, path, first, fate(path)))
			}
		}
	}
}

// fate tells what the kernel does with two early files with one path. The kernel looks for
// microcode by its whole path, and takes every file below kernel/firmware/acpi as a table
// (acpi_table_initrd_init in drivers/acpi/tables.c).
func fate(path string) string {
	if strings.HasPrefix(path, "/kernel/firmware/acpi/") {
		return "the kernel reads both"
	}
	return "the kernel takes the first"
}

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
