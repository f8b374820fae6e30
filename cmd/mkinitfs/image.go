package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/envelope"
	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/internal/newfile"
)

// openedImage is an image that can be read more than once.
type openedImage interface {
	image.File
	io.Closer
	Stat() (os.FileInfo, error)
}

// openInput opens an image, standard input for "-". A pipe is copied to a file if its content
// looks like a file for a boot loader.
func openInput(stdin io.Reader, arg string) (io.ReadCloser, error) {
	name, ramdisk := image.SplitChoice(arg)
	in := io.NopCloser(stdin)
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		if info, err := f.Stat(); err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket|os.ModeCharDevice) == 0 {
			return image.Chosen{File: f, Name: ramdisk}, nil
		}
		in = f
	}
	r := bufio.NewReader(in)
	if head, _ := r.Peek(envelope.HeadSize); ramdisk != "" || envelope.Begins(head) {
		defer in.Close()
		f, err := spool(r, name)
		return image.Chosen{File: f, Name: ramdisk}, err
	}
	return struct {
		io.Reader
		io.Closer
	}{r, in}, nil
}

// openFile opens an image as a file, for another process or for reading it twice.
func openFile(stdin io.Reader, name string) (*os.File, error) {
	if name != "-" {
		return os.Open(name)
	}
	if f, ok := stdin.(*os.File); ok {
		return f, nil
	}
	return spool(stdin, name)
}

// openRegular opens an image that is read more than once. It copies anything but a regular
// file to one.
func openRegular(stdin io.Reader, arg string) (openedImage, error) {
	name, ramdisk := image.SplitChoice(arg)
	in, err := openFile(stdin, name)
	if err != nil {
		return nil, err
	}
	info, err := in.Stat()
	if err != nil || info.Mode().IsRegular() {
		return image.Chosen{File: in, Name: ramdisk}, err
	}
	defer in.Close()
	copied, err := spool(in, name)
	return image.Chosen{File: copied, Name: ramdisk}, err
}

// openBare opens an image for a reader that does not know the files of boot loaders. Of such
// a file it returns a copy of the ramdisk. copied reports whether f is a nameless copy.
func openBare(stdin io.Reader, stderr io.Writer, arg string) (f *os.File, copied bool, err error) {
	name, ramdisk := image.SplitChoice(arg)
	in, err := openFile(stdin, name)
	if err != nil {
		return nil, false, err
	}
	if info, err := in.Stat(); err == nil && info.Mode()&os.ModeNamedPipe != 0 && (ramdisk != "" || envelope.Begins(peekPipe(in, envelope.HeadSize))) {
		pipe := in
		defer pipe.Close()
		if in, err = spool(pipe, name); err != nil {
			return nil, false, err
		}
		copied = true
	}
	bare, findings, err := image.Unwrap(image.Chosen{File: in, Name: ramdisk})
	printFindings(stderr, arg, findings)
	if err == nil && bare == nil {
		return in, copied, nil
	}
	defer in.Close()
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", imageName(arg), err)
	}
	f, err = spool(bare, name)
	return f, true, err
}

// peekPipe returns up to n bytes from a pipe and leaves them in it.
func peekPipe(pipe *os.File, n int) []byte {
	r, w, err := os.Pipe()
	if err != nil {
		return nil
	}
	defer r.Close()
	defer w.Close()
	for {
		got, err := unix.Tee(int(pipe.Fd()), int(w.Fd()), n, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil || got == 0 {
			return nil
		}
		head := make([]byte, got)
		n, _ := io.ReadFull(r, head)
		return head[:n]
	}
}

// spool copies an image to a nameless file.
func spool(from io.Reader, name string) (*os.File, error) {
	f, err := newfile.Temp("")
	if err != nil {
		return nil, err
	}
	if _, err = io.Copy(f, from); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("copy %s: %w", imageName(name), err)
	}
	return f, nil
}

// imageName returns the name of an image in messages.
func imageName(arg string) string {
	if arg == "-" {
		return "standard input"
	}
	return arg
}

var manifestLine = regexp.MustCompile(`(?m)^(version|contents):`)

// wantImage returns an error for a directory or a manifest, which are easily given in place
// of an image. Without it their first bytes would count as those of an archive. It is for
// regular files: bytes that it read from a pipe would be lost.
func wantImage(cmd *cobra.Command, args []string) error {
	name, _ := image.SplitChoice(args[0])
	info, err := os.Stat(name)
	if err == nil && info.IsDir() {
		err := &os.PathError{Op: "read", Path: name, Err: syscall.EISDIR}
		return fmt.Errorf("%w\n  build the image first, with \"mkinitfs build --from %s -o IMAGE\"", err, name)
	}
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil // the command reports it
	}
	defer f.Close()
	head := make([]byte, 4<<10)
	n, _ := io.ReadFull(f, head)
	if head = head[:n]; bytes.IndexByte(head, 0) >= 0 || !manifestLine.Match(head) {
		return nil
	}
	return fmt.Errorf("%s: is a manifest, not an image\n  build the image first, with \"mkinitfs build %[1]s -o IMAGE\"", name)
}
