package source

import (
	"archive/tar"
	"bufio"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/magic"
)

var errContainer = errors.New("is an image of a container, which mkinitfs does not read yet\n" +
	"  umoci unpack, or docker export of a container, makes a root of it")

// Kind returns the type of contents for the root f: "tree" for a directory, "tar" for a
// tarball, "cpio" for anything else. The image of a container is an error. Kind leaves the
// offset of f at 0.
func Kind(f *os.File) (string, error) {
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", err
	case !info.IsDir():
	case exists(filepath.Join(f.Name(), "oci-layout")):
		return "", errContainer
	default:
		return "tree", nil
	}
	defer f.Seek(0, io.SeekStart)
	head, codec := beginning(f)
	if len(head) < tarBlock || !isHeader(head[:tarBlock]) {
		return "cpio", nil
	}
	if codec == compress.None && holdsImage(f) {
		return "", errContainer
	}
	return "tar", nil
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// beginning returns the first bytes of a file, decompressed, and its codec.
func beginning(f *os.File) (head []byte, codec string) {
	in := bufio.NewReader(f)
	head, _ = in.Peek(magic.HeadSize)
	c := compress.Detect(head)
	if c == nil || c.Name == compress.None {
		return head, compress.None
	}
	z, err := c.NewReader(in)
	if err != nil {
		return nil, c.Name
	}
	defer z.Close()
	head = make([]byte, magic.HeadSize)
	n, _ := io.ReadFull(z, head)
	return head[:n], c.Name
}

// holdsImage reports whether a plain tarball holds the image of a container, as docker save and
// skopeo write it.
func holdsImage(f *os.File) bool {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return false
	}
	blobs, index := false, false
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err != nil {
			return blobs && index
		}
		switch name := strings.TrimPrefix(h.Name, "./"); {
		case name == "oci-layout", name == "manifest.json", name == "repositories":
			index = true
		case strings.HasPrefix(name, "blobs/"), strings.HasSuffix(name, "/layer.tar"), strings.HasSuffix(name, ".tar"):
			blobs = true
		}
	}
}
