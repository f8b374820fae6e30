package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/builder"
	"github.com/mkinitfs/mkinitfs/builder/difference"
	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/internal/cache"
	"github.com/mkinitfs/mkinitfs/internal/newfile"
)

// rebuilt is an image that was built again, beside the first one.
type rebuilt struct {
	*os.File
	name, manifest string
	identical      bool
	offset         int64        // of the first byte that differs
	had, has       *image.Stub  // the stubs, if the images differ and have some
	diff           *diffPrinter // if the images differ
}

// rebuild builds the image in again, with the same SOURCE_DATE_EPOCH. Members are not taken
// from the cache.
func rebuild(cmd *cobra.Command, f *manifestFlags, arg string, in openedImage, epoch int64, manifest string, lookup func(string) (string, bool)) (*rebuilt, error) {
	m, o, err := f.load(cmd.Context(), []string{manifest}, cmd.InOrStdin(), lookup)
	if err != nil {
		return nil, err
	}
	switch {
	case epoch == 0 || o.Epoch != nil && *o.Epoch == epoch:
	case o.Epoch == nil:
		o.Epoch = &epoch
		fmt.Fprintf(cmd.ErrOrStderr(), "mkinitfs: built with SOURCE_DATE_EPOCH=%d, as the image was\n", epoch)
	default:
		fmt.Fprintf(cmd.ErrOrStderr(), "mkinitfs: warning: SOURCE_DATE_EPOCH is %d, the image was built with %d\n", *o.Epoch, epoch)
	}
	o.Cache, o.Recompress = cache.Top(lookup), true
	o.Notice = func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), "mkinitfs:", text) }
	file, err := newfile.Temp("")
	if err != nil {
		return nil, err
	}
	r := &rebuilt{File: file, name: imageName(arg), manifest: manifest}
	report, err := builder.Build(cmd.Context(), file, m, o)
	if err == nil {
		for _, text := range report.Warnings {
			fmt.Fprintln(cmd.ErrOrStderr(), "mkinitfs: warning:", text)
		}
		err = r.compare(cmd, in)
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// compare compares the bytes and, if they differ, the images.
func (r *rebuilt) compare(cmd *cobra.Command, in openedImage) error {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return err
	}
	before, err := r.comparable(in)
	if err != nil {
		return err
	}
	if r.offset, err = differAt(before, io.NewSectionReader(r, 0, 1<<62)); err != nil || r.offset < 0 {
		r.identical = err == nil
		return err
	}
	if r.had, err = image.ReadStub(in); err != nil {
		return err
	}
	if r.has, err = image.ReadStub(r); err != nil {
		return err
	}
	a, err := difference.OfImage(cmd.Context(), r.name, in)
	if err != nil {
		return err
	}
	b, err := difference.OfImage(cmd.Context(), r.manifest, r)
	if err != nil {
		return err
	}
	result, err := difference.Of(cmd.Context(), a, b, nil)
	if err != nil {
		return err
	}
	r.diff = &diffPrinter{a: a, b: b, Result: result}
	return nil
}

// comparable returns the bytes of the image in that the rebuilt ones are compared with: all of
// the file if the manifest wants a file for a boot loader, else the image in it.
func (r *rebuilt) comparable(in openedImage) (io.Reader, error) {
	bare, _, err := image.Unwrap(in)
	if err != nil {
		return nil, err
	}
	wrapped, _, err := image.Unwrap(r)
	if err != nil {
		return nil, err
	}
	if bare == nil || wrapped != nil {
		return io.NewSectionReader(in, 0, 1<<62), nil
	}
	return bare, nil
}

// differAt returns the offset of the first byte that differs, or -1.
func differAt(a, b io.Reader) (int64, error) {
	x, y := make([]byte, 64<<10), make([]byte, 64<<10)
	for at := int64(0); ; {
		n, errA := io.ReadFull(a, x)
		m, errB := io.ReadFull(b, y)
		if !bytes.Equal(x[:n], y[:m]) {
			i := 0
			for i < min(n, m) && x[i] == y[i] {
				i++
			}
			return at + int64(i), nil
		}
		at += int64(n)
		for _, err := range []error{errA, errB} {
			if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
				return 0, err
			}
		}
		if n < len(x) {
			return -1, nil
		}
	}
}

func (r *rebuilt) print(w io.Writer) error {
	if r.identical {
		_, err := fmt.Fprintf(w, "%s: identical to what %s builds\n", r.name, r.manifest)
		return err
	}
	if err := r.diff.print(w); err != nil {
		return err
	}
	if r.otherStub() {
		fmt.Fprintf(w, "the stub differs: %s in the image, %s built\n", stubText(r.had), stubText(r.has))
		fmt.Fprintf(w, "  to build with the image's own: \"mkinitfs extract --outer %s DIR init\" unpacks it, --stub DIR/init takes it\n", r.name)
	}
	_, err := fmt.Fprintf(w, "%s: not what %s builds: the first byte that differs is at %#x\n", r.name, r.manifest, r.offset)
	return err
}

func (r *rebuilt) otherStub() bool {
	return r.had != nil && r.has != nil && r.had.SHA256 != r.has.SHA256
}

func stubText(s *image.Stub) string {
	by := ""
	if s.GoVersion != "" {
		by = " by " + s.GoVersion
	}
	return fmt.Sprintf("sha256 %s%s", s.SHA256, by)
}
