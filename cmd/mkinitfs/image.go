package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/internal/newfile"
)

// openInput opens an image, standard input for "-".
func openInput(stdin io.Reader, name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(stdin), nil
	}
	return os.Open(name)
}

// openFile opens an image as a file, for another process or to read it again.
func openFile(stdin io.Reader, name string) (*os.File, error) {
	if name != "-" {
		return os.Open(name)
	}
	if f, ok := stdin.(*os.File); ok {
		return f, nil
	}
	return spool(stdin, name)
}

// openRegular opens an image that is read more than once: what is not a regular file is
// copied to one.
func openRegular(stdin io.Reader, name string) (*os.File, error) {
	in, err := openFile(stdin, name)
	if err != nil {
		return nil, err
	}
	info, err := in.Stat()
	if err != nil || info.Mode().IsRegular() {
		return in, err
	}
	defer in.Close()
	return spool(in, name)
}

// spool copies an image to a file that has no name.
func spool(image io.Reader, name string) (*os.File, error) {
	f, err := newfile.Temp("")
	if err != nil {
		return nil, err
	}
	if _, err = io.Copy(f, image); err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("copy %s: %w", imageName(name), err)
	}
	return f, nil
}

// imageName is what an image is called in words.
func imageName(arg string) string {
	if arg == "-" {
		return "standard input"
	}
	return arg
}

var manifestLine = regexp.MustCompile(`(?m)^(version|contents):`)

// wantImage refuses a folder, and a manifest, which is easily given to a command for
// images, before that takes its first bytes for those of an archive. It is for regular
// files: what a pipe loses here would be missed.
func wantImage(cmd *cobra.Command, args []string) error {
	info, err := os.Stat(args[0])
	if err == nil && info.IsDir() {
		return &os.PathError{Op: "read", Path: args[0], Err: syscall.EISDIR}
	}
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := os.Open(args[0])
	if err != nil {
		return nil // the command says so
	}
	defer f.Close()
	head := make([]byte, 4<<10)
	n, _ := io.ReadFull(f, head)
	if head = head[:n]; bytes.IndexByte(head, 0) >= 0 || !manifestLine.Match(head) {
		return nil
	}
	return fmt.Errorf("%s: is a manifest, not an image\n  build the image first, with \"mkinitfs build %[1]s -o IMAGE\"", args[0])
}
