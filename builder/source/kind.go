package source

import (
	"archive/tar"
	"bufio"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/mkinitfs/mkinitfs/internal/magic"
)

// Kind returns the type of contents for the root f: "tree" for a directory, "tar" for a
// tarball, "oci" for the image of a container in one of both, "cpio" for anything else. Kind
// leaves the offset of f at 0.
func Kind(f *os.File) (string, error) {
	info, err := f.Stat()
	switch {
	case err != nil:
		return "", err
	case !info.IsDir():
	case holdsIndex(f.Name()):
		return "oci", nil
	default:
		return "tree", nil
	}
	defer f.Seek(0, io.SeekStart)
	start := bufio.NewReader(f)
	if skipFrames(start) != nil {
		return "cpio", nil
	}
	head, _ := start.Peek(magic.HeadSize)
	members := io.Reader(f) // over whose contents a reader can seek
	if codec := codecOf(head); codec != nil {
		z, err := codec.NewReader(start)
		if err != nil {
			return "cpio", nil
		}
		defer z.Close()
		plain := bufio.NewReaderSize(z, 64<<10)
		head, _ = plain.Peek(magic.HeadSize)
		members = plain
	} else if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	switch {
	case len(head) < tarBlock || !isHeader(head[:tarBlock]):
		return "cpio", nil
	case holdsImage(members):
		return "oci", nil
	}
	return "tar", nil
}

// holdsIndex reports whether a directory holds a container's image: a layout, or the unpacked
// output of docker save.
func holdsIndex(dir string) bool {
	saved, _ := filepath.Glob(filepath.Join(dir, "*", "layer.tar"))
	return exists(filepath.Join(dir, "oci-layout")) || exists(filepath.Join(dir, "manifest.json")) && len(saved) > 0
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// holdsImage reports whether a tarball holds the image of a container. It reads on only while all
// names could be those of such a tarball.
func holdsImage(in io.Reader) bool {
	var names imageNames
	for r := tar.NewReader(in); ; {
		h, err := r.Next()
		if err != nil || names.others {
			return names.image()
		}
		names.add(h.Name)
	}
}

// imageNames are names of files that may hold the image of a container, as docker save and skopeo
// write it.
type imageNames struct{ index, layers, others bool }

func (n *imageNames) add(name string) {
	switch name := path.Clean("/" + name)[1:]; {
	case name == "":
	case name == "oci-layout", name == "manifest.json", name == "repositories":
		n.index = true
	case strings.HasPrefix(name, "blobs/"), strings.HasSuffix(name, "/layer.tar"), isLayerName(name):
		n.layers = true
	case name == "blobs", strings.HasSuffix(name, ".json"), digestName.MatchString(name):
	default:
		n.others = true
	}
}

func (n *imageNames) image() bool { return n.index && n.layers && !n.others }

// warnImage warns about a container's image at the top of the root: nobody wants its files there.
func warnImage(j *job, src, dst string) {
	if dst == "" || dst == "/" {
		j.warn("%s: the files of a container's image, not its root\n  type: oci takes the root", src)
	}
}

// isLayerName reports whether a file at the top of a tarball is called like a layer.
func isLayerName(name string) bool {
	return !strings.Contains(name, "/") && (strings.HasSuffix(name, ".tar") || strings.HasSuffix(name, ".tar.gz"))
}

// digestName matches the directory of a layer, and what is in it.
var digestName = regexp.MustCompile(`^(sha256:)?[0-9a-f]{64}(/(json|VERSION))?$`)
