// Package oci finds an image of a container among files: an OCI image layout
// (https://github.com/opencontainers/image-spec/blob/main/image-layout.md), or what docker save
// writes. The files are those of a directory or the members of a tar archive.
//
// [Find] reads the indexes and chooses one image. Every JSON document that has a digest is
// compared with it. The layers are left to the caller, with the digests that they must have.
package oci

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/opencontainers/go-digest"
	ispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Files are the files that hold an image.
type Files interface {
	// ReadFile returns the content of the file called name, of at most most bytes. The error is
	// [fs.ErrNotExist] if there is none.
	ReadFile(name string, most int64) ([]byte, error)
}

// Image is one image, for one platform.
type Image struct {
	Process  Process
	Platform ispec.Platform // as far as the image tells it
	Layers   []Layer        // the lowest one first
}

// Process describes the process that a runtime starts in a container.
type Process struct {
	Entrypoint []string
	Cmd        []string
	Env        []string // NAME=value
	WorkingDir string
	User       string // user[:group], names or numbers
}

// Layer is a tar archive with what changes in the root.
type Layer struct {
	Name   string        // for messages
	File   string        // its name among the files
	Digest digest.Digest // of the file; "" if the image does not tell it
	Size   int64         // of the file; -1 if the image does not tell it
	Codec  string        // how its media type says that it is compressed; "" if nothing says it
	DiffID digest.Digest // of the archive without compression
}

// Hinted is an error with a hint.
type Hinted struct {
	Msg, Hint string
}

func (e *Hinted) Error() string { return e.Msg }

// ErrNone is the error for files without an index.
var ErrNone = fmt.Errorf("no image of a container: neither %s nor %s is there", indexFile, dockerFile)

// The files in which a search begins.
const (
	layoutFile = ispec.ImageLayoutFile
	indexFile  = ispec.ImageIndexFile
	dockerFile = "manifest.json" // of docker save
	oldFile    = "repositories"  // of docker save, too; before version 1.10 there was no other index
)

// Find returns the image that is wanted. If files hold both indexes, Find uses the OCI index.
func Find(files Files, want Want) (*Image, error) {
	r := &reader{files: files}
	var found []*candidate
	index, err := r.read(indexFile)
	switch {
	case err == nil:
		found, err = layout(r, index)
	case errors.Is(err, fs.ErrNotExist):
		found, err = docker(r)
	}
	if err != nil {
		return nil, err
	}
	c, err := want.choose(r, found)
	if err != nil {
		return nil, err
	}
	return c.image(r)
}

// candidate is an image that may be wanted.
type candidate struct {
	names    []string // that it is known by
	id       digest.Digest
	above    []string // digests of the indexes that hold it
	placed   bool     // platform is known
	platform ispec.Platform
	artifact string // what it is if it is no image

	// One of these describes it.
	manifest *ispec.Descriptor
	saved    *saved
}

// image returns the image of c.
func (c *candidate) image(r *reader) (*Image, error) {
	config, layers, err := c.parts(r)
	if err != nil {
		return nil, err
	}
	if kind := config.RootFS.Type; kind != "layers" {
		return nil, fmt.Errorf("the configuration of the image: rootfs.type is %q, want \"layers\"", kind)
	}
	if len(layers) != len(config.RootFS.DiffIDs) {
		return nil, fmt.Errorf("the image has %d layers, and digests for %d", len(layers), len(config.RootFS.DiffIDs))
	}
	for i := range layers {
		l := &layers[i]
		l.DiffID = config.RootFS.DiffIDs[i]
		if err := l.DiffID.Validate(); err != nil {
			return nil, fmt.Errorf("rootfs.diff_ids: %.100q: %w", l.DiffID, err)
		}
		l.Name = fmt.Sprintf("layer %d of %d (%s)", i+1, len(layers), l.Name)
	}
	return &Image{Process: config.Config, Platform: config.Platform, Layers: layers}, nil
}

// config is the part of an image's configuration that counts here.
type config struct {
	ispec.Platform
	Config Process
	RootFS ispec.RootFS
}

// parts reads the configuration of c, and returns it with the layers.
func (c *candidate) parts(r *reader) (*config, []Layer, error) {
	if c.saved != nil {
		return savedParts(r, c.saved)
	}
	return layoutParts(r, *c.manifest)
}
