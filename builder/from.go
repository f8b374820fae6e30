package builder

import (
	"fmt"
	"io"
	"os"

	"github.com/mkinitfs/mkinitfs/builder/source"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// From returns the text of a manifest for an image of the root src: a directory, a tarball, a
// container's image or an initramfs. f is src, opened. From leaves it at its start. The image is for the
// architecture of its program. The type of the root and the program may be "".
func From(f *os.File, src string, root manifests.RootType, init string) (string, error) {
	kind, err := source.Kind(f)
	if err != nil {
		return "", fmt.Errorf("%s: %w", src, err)
	}
	return manifests.ForRoot(kind, src, root, init), nil
}

// Spool copies a root from a pipe to a nameless file for [From].
func Spool(in io.Reader, l Limits) (*os.File, error) { return source.Spool(in, l) }

// RootKind returns what f is, such as "tarball", if From takes it, else "".
func RootKind(f *os.File) string {
	kind, _ := source.Kind(f)
	return map[string]string{"tree": "directory", "tar": "tarball", "oci": "container's image"}[kind]
}
