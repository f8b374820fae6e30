package oci

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	ispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Media types that Docker has for the same documents.
const (
	dockerIndex    = "application/vnd.docker.distribution.manifest.list.v2+json"
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerConfig   = "application/vnd.docker.container.image.v1+json"
)

// layerTypes are the media types of layers without compression.
var layerTypes = []string{
	ispec.MediaTypeImageLayer,
	"application/vnd.oci.image.layer.nondistributable.v1.tar",
	"application/vnd.docker.image.rootfs.diff.tar",
	"application/vnd.docker.image.rootfs.foreign.diff.tar",
}

// codecOf returns the codec that the media type of a layer names, "none" for none.
func codecOf(mediaType string) (string, error) {
	base, codec := mediaType, "none"
	for _, end := range []string{"+gzip", "+zstd", ".gzip"} {
		if plain, ok := strings.CutSuffix(mediaType, end); ok {
			base, codec = plain, end[1:]
		}
	}
	if !slices.Contains(layerTypes, base) {
		return "", fmt.Errorf("no layer: its media type is %.100q", mediaType)
	}
	return codec, nil
}

// containerdName is the annotation in which containerd, and docker save with it, has the whole
// name of an image. The one of OCI may hold a tag only.
const containerdName = "io.containerd.image.name"

// layout returns the images of a layout with an index.
func layout(r *reader, index []byte) ([]*candidate, error) {
	text, err := r.read(layoutFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("has an %s and no file %s, as a layout must", indexFile, layoutFile)
	}
	var version ispec.ImageLayout
	if err == nil {
		err = parse(layoutFile, text, &version)
	}
	if err != nil {
		return nil, err
	}
	if version.Version != ispec.ImageLayoutVersion {
		return nil, fmt.Errorf("%s: a layout of version %.100q, where %s is known", layoutFile, version.Version, ispec.ImageLayoutVersion)
	}
	var top ispec.Index
	if err := parse(indexFile, index, &top); err != nil {
		return nil, err
	}
	w := &indexWalk{reader: r, seen: map[string]*candidate{}}
	if err := w.add(top, nil, nil); err != nil {
		return nil, err
	}
	return w.found, nil
}

// indexWalk collects the manifests of an index and of those in it.
type indexWalk struct {
	*reader
	seen  map[string]*candidate // by digest
	above []string              // digests of the indexes being read
	found []*candidate
}

// add adds the manifests of an index with the given names and platform.
func (w *indexWalk) add(index ispec.Index, names []string, platform *ispec.Platform) error {
	for _, d := range index.Manifests {
		if isAttestation(d) {
			continue
		}
		own := slices.Concat(names, namesOf(d))
		if d.Platform == nil {
			d.Platform = platform
		}
		var err error
		switch d.MediaType {
		case ispec.MediaTypeImageIndex, dockerIndex:
			err = w.nested(d, own)
		case ispec.MediaTypeImageManifest, dockerManifest:
			w.manifest(d, own, "")
		default:
			w.manifest(d, own, d.MediaType)
		}
		if err != nil {
			return err
		}
		if len(w.found) > maxImages {
			return fmt.Errorf("more than %d images", maxImages)
		}
	}
	return nil
}

// The bounds of an index, its images and how deep others may lie in it, and of an image.
const (
	maxImages = 10_000
	maxDepth  = 8
	maxLayers = 10_000
)

// nested adds the manifests of the index that d describes.
func (w *indexWalk) nested(d ispec.Descriptor, names []string) error {
	id := d.Digest.String()
	if len(w.above) == maxDepth {
		return fmt.Errorf("blob %s: an index in %d others", id, maxDepth)
	}
	var index ispec.Index
	if err := w.document(d, &index); err != nil {
		return err
	}
	w.above = append(w.above, id)
	defer func() { w.above = w.above[:len(w.above)-1] }()
	return w.add(index, names, d.Platform)
}

// manifest adds a manifest. One that has been found already gets further names.
func (w *indexWalk) manifest(d ispec.Descriptor, names []string, artifact string) {
	id := d.Digest.String()
	c := w.seen[id]
	if c == nil {
		c = &candidate{id: d.Digest, manifest: &d, artifact: artifact}
		w.seen[id] = c
		w.found = append(w.found, c)
	}
	c.above = append(c.above, w.above...)
	for _, name := range names {
		if !slices.Contains(c.names, name) {
			c.names = append(c.names, name)
		}
	}
	if p := d.Platform; p != nil && p.Architecture != "" {
		c.placed, c.platform = true, *p
	}
	if d.ArtifactType != "" && c.artifact == "" {
		c.artifact = d.ArtifactType
	}
}

// isAttestation reports whether d is what BuildKit tells about another image.
func isAttestation(d ispec.Descriptor) bool {
	p := d.Platform
	return p != nil && p.OS == "unknown" && p.Architecture == "unknown" || d.Annotations["vnd.docker.reference.type"] != ""
}

// namesOf returns the names in the annotations of d.
func namesOf(d ispec.Descriptor) []string {
	var names []string
	for _, key := range []string{containerdName, ispec.AnnotationRefName} {
		if name := d.Annotations[key]; name != "" {
			names = append(names, name)
		}
	}
	return names
}

// layoutParts reads the manifest that d describes.
func layoutParts(r *reader, d ispec.Descriptor) (*config, []Layer, error) {
	var m ispec.Manifest
	if err := r.document(d, &m); err != nil {
		return nil, nil, err
	}
	if t := m.Config.MediaType; t != ispec.MediaTypeImageConfig && t != dockerConfig {
		return nil, nil, fmt.Errorf("blob %s: no image, but an artifact: its configuration has the media type %.100q", d.Digest, t)
	}
	text, err := r.blob(m.Config)
	if err != nil {
		return nil, nil, err
	}
	var c config
	if err := parse("blob "+m.Config.Digest.String(), text, &c); err != nil {
		return nil, nil, err
	}
	if len(m.Layers) > maxLayers {
		return nil, nil, fmt.Errorf("more than %d layers", maxLayers)
	}
	var layers []Layer
	for _, l := range m.Layers {
		codec, err := codecOf(l.MediaType)
		if err == nil {
			err = l.Digest.Validate()
		}
		if err == nil && l.Size < 0 {
			err = fmt.Errorf("its size is given as %d", l.Size)
		}
		if err != nil {
			return nil, nil, fmt.Errorf("blob %.100q: %w", l.Digest, err)
		}
		layers = append(layers, Layer{Name: l.Digest.String(), File: blobFile(l.Digest), Digest: l.Digest, Size: l.Size, Codec: codec})
	}
	return &c, layers, nil
}
