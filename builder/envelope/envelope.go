// Package envelope finds the ramdisk in the files of boot loaders: U-Boot's uImage and FIT, and
// PE programs with a section .initrd, such as unified kernel images.
//
// [Open] reads the tables of an envelope and none of its content. [Envelope.Find] picks
// the part that the boot loader gives to the kernel, or the one with a name. [Envelope.Verify]
// compares the sums of a part, for which it reads the whole part.
//
// The package does not trust the file. It reads tables through a view of 4 KiB and bounds the
// parts, names and sums that it keeps, so opening any file takes less than 32 MiB of memory.
//
// [UImage.Write] puts an image into a uImage.
//
//	envelope.go, sums.go   the parts and what the boot loader checks of them
//	uimage.go              U-Boot's legacy format
//	uimage_write.go        writing it
//	fit.go, fdt.go         U-Boot's flattened image tree, and the device tree that it is
//	pe.go                  PE sections
//	view.go                reading tables
package envelope

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/internal/magic"
)

// Envelope is a file that holds images for a boot loader.
type Envelope struct {
	Format string // "uImage", "FIT image" or "PE program"
	Parts  []Part
	// Findings are about the file as a whole. Each part has findings of its own.
	Findings []Finding

	ramdisk string            // name of the part that the boot loader takes, "" if none says so
	missing string            // why there is no such part
	aliases map[string]string // further names of parts
	damage  []string          // what is wrong with the tables
}

// Part is one of the images in an envelope.
type Part struct {
	Name     string
	Kind     string // "ramdisk" or the format's own word for something else
	Offset   int64  // in the file
	Size     int64  // bytes that the file has of it
	Findings []Finding

	sums   []sum
	damage []string
}

// Ramdisk is the kind of a part that is meant to be an initramfs.
const Ramdisk = "ramdisk"

// Finding is something that the boot loader ignores or warns of.
type Finding struct {
	Code  string
	Words string
}

// format is one kind of envelope: its magic and the function that opens it.
type format struct {
	magic magic.Format
	// open returns nil for a file of another format with the same beginning.
	open func(w *view) (*Envelope, error)
}

var formats = []format{
	{magic.UImage, openUImage},
	{magic.FDT, openFIT},
	{magic.PE, openPE},
}

// HeadSize is the number of bytes that [Begins] needs.
const HeadSize = 4

// Begins reports whether a file that begins with head may be an envelope.
func Begins(head []byte) bool {
	return slices.ContainsFunc(formats, func(f format) bool { return magic.Is(head, f.magic) })
}

// Open reads the tables of the envelope r, a file of size bytes. It returns nil and no error if
// the file is not an envelope.
func Open(r io.ReaderAt, size int64) (*Envelope, error) {
	w := newView(r, 0, size)
	head, err := w.bytes(0, int(min(HeadSize, size)))
	if err != nil {
		return nil, err
	}
	for _, f := range formats {
		if magic.Is(head, f.magic) {
			return f.open(w)
		}
	}
	return nil, nil
}

// Find returns the part called name. For "" it returns the ramdisk that the boot loader takes
// by default.
func (e *Envelope) Find(name string) (*Part, error) {
	if name == "" && e.ramdisk == "" {
		return nil, fmt.Errorf("%s%s", e.missing, e.hint())
	}
	if name == "" {
		name = e.ramdisk
	}
	if p := e.part(name); p != nil {
		return p, nil
	}
	if p := e.part(e.aliases[name]); p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("nothing in the %s is called %q: it holds %s", e.Format, name, e.list())
}

func (e *Envelope) part(name string) *Part {
	i := slices.IndexFunc(e.Parts, func(p Part) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return &e.Parts[i]
}

// hint returns a hint with the names of the ramdisks.
func (e *Envelope) hint() string {
	var names []string
	for _, p := range e.Parts {
		if p.Kind == Ramdisk {
			names = append(names, "IMAGE@"+p.Name)
		}
	}
	if names == nil {
		return ""
	}
	return "\n  name one: " + short(names, " or ")
}

// list returns the names of the parts, for messages.
func (e *Envelope) list() string {
	if len(e.Parts) == 0 {
		return "nothing"
	}
	var names []string
	for _, p := range e.Parts {
		names = append(names, fmt.Sprintf("%s (%s)", p.Name, cmp.Or(p.Kind, "no type")))
	}
	return short(names, ", ")
}

// short joins at most eight words and counts the others.
func short(words []string, separator string) string {
	const most = 8
	if len(words) > most {
		words = append(words[:most:most], fmt.Sprintf("%d more", len(words)-most))
	}
	return strings.Join(words, separator)
}

// add adds a part. If the file ends inside it, add notes the damage and cuts the part there.
func (e *Envelope) add(w *view, p Part) {
	if have := max(0, w.size-p.Offset); p.Size > have {
		p.damage = append(p.damage, fmt.Sprintf("the file has %d bytes of part %s, which has %d", have, p.Name, p.Size))
		p.Size = have
	}
	e.Parts = append(e.Parts, p)
}

func (e *Envelope) warn(code, words string, args ...any) {
	e.Findings = append(e.Findings, Finding{code, fmt.Sprintf(words, args...)})
}

func (p *Part) warn(code, words string, args ...any) {
	p.Findings = append(p.Findings, Finding{code, fmt.Sprintf(words, args...)})
}

// tail warns of data behind the end of an envelope, unless it is padding or erased flash.
func (e *Envelope) tail(w *view, end int64) error {
	if end >= w.size {
		return nil
	}
	b, err := w.bytes(end, int(min(w.size-end, viewSize)))
	if err != nil {
		return err
	}
	// Trim would take 0xff for any byte that is not UTF-8.
	if slices.ContainsFunc(b, func(c byte) bool { return c != 0 && c != 0xff }) {
		e.warn("envelope-tail", "%d bytes behind the %s, at %#x, are not read by the boot loader", w.size-end, e.Format, end)
	}
	return nil
}

var errCut = errors.New("the file ends before")

// cut names the structure that the file ends in. It returns other errors unchanged.
func cut(err error, what string) error {
	if err == errCut {
		return fmt.Errorf("the file ends in %s", what)
	}
	return err
}

// printable escapes a word of an envelope for messages and part names. Node names of a FIT may
// hold any byte but zero.
func printable(b []byte) string {
	text := string(b)
	if strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return strings.Trim(fmt.Sprintf("%+q", text), `"`)
	}
	return text
}
