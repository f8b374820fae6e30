package image

import (
	"errors"
	"fmt"
	"io"

	"github.com/mkinitfs/mkinitfs/builder/envelope"
)

// File is an image that can be read at any offset.
type File interface {
	io.Reader
	io.ReaderAt
	io.Seeker
}

// Choice is a file for a boot loader, such as a FIT image, and the name of the ramdisk to read
// in it.
type Choice interface {
	File
	Ramdisk() string // its name, "" for the one that the boot loader takes
}

// Unwrap returns the ramdisk that [Walk] reads instead of in, if in is a file for a boot
// loader, and remarks about that file. Otherwise it returns nil. If the sums of the file do
// not match it returns both a ramdisk and an error.
func Unwrap(in File) (*io.SectionReader, Findings, error) {
	info := &Info{}
	e, err := openEnvelope(in, asFile(in))
	if e == nil || err != nil {
		return nil, nil, err
	}
	e.describe(info)
	return e.ramdisk.section(), info.Findings, e.verify(nil)
}

// enveloped is the ramdisk that is read instead of the file around it.
type enveloped struct {
	*envelope.Envelope
	part    *envelope.Part
	whole   *imageFile
	ramdisk *imageFile
}

// openEnvelope opens the image whole, which was made from in, if it is an envelope, else it
// returns nil. Choosing a ramdisk in any other file is an error.
func openEnvelope(in io.Reader, whole *imageFile) (*enveloped, error) {
	name := ""
	if c, ok := in.(Choice); ok {
		name = c.Ramdisk()
	}
	e := &enveloped{whole: whole}
	var err error
	if whole != nil {
		if e.Envelope, err = envelope.Open(whole.section(), whole.size); err != nil {
			return nil, err
		}
	}
	switch {
	case e.Envelope == nil && name != "":
		return nil, fmt.Errorf("there is no %q in it: it is no uImage, FIT image or PE program with a section .initrd", name)
	case e.Envelope == nil:
		return nil, nil
	}
	if e.part, err = e.Find(name); err != nil {
		return nil, err
	}
	e.ramdisk = &imageFile{whole.ReaderAt, whole.begin + e.part.Offset, e.part.Size}
	return e, nil
}

// describe adds remarks about the envelope.
func (e *enveloped) describe(info *Info) {
	info.Envelope = e.Envelope
	for _, findings := range [][]envelope.Finding{e.Findings, e.part.Findings} {
		for _, f := range findings {
			info.Findings.add(&rule{f.Code, Warning, f.Words}, Finding{})
		}
	}
}

// verify compares the sums of the ramdisk. It adds differences to the error of the walk,
// because they may be its reason.
func (e *enveloped) verify(err error) error {
	damage := e.Verify(e.whole.section(), e.part)
	switch {
	case err == nil:
		return damage
	case damage == nil:
		return err
	case errors.Is(err, errNoArchive):
		return damage
	}
	return fmt.Errorf("%w (%w)", err, damage)
}

// section returns a reader of the whole image.
func (f *imageFile) section() *io.SectionReader {
	return io.NewSectionReader(f, f.begin, f.size)
}
