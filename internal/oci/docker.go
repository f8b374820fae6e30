package oci

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/opencontainers/go-digest"
)

// saved is an image in the index of docker save.
type saved struct {
	Config   string
	RepoTags []string
	Layers   []string // the lowest one first
}

// docker returns the images that docker save has written.
func docker(r *reader) ([]*candidate, error) {
	text, err := r.read(dockerFile)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := r.read(oldFile); err == nil {
			return nil, &Hinted{"has only what docker save wrote before version 1.10", "docker load it, and save it again"}
		}
		return nil, ErrNone
	}
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(strings.TrimSpace(string(text)), "{") {
		return nil, &Hinted{dockerFile + " is one manifest and no list: skopeo's format dir", "skopeo copy dir:DIR oci:LAYOUT makes a layout of it"}
	}
	var all []saved
	if err := parse(dockerFile, text, &all); err != nil {
		return nil, err
	}
	if len(all) > maxImages {
		return nil, fmt.Errorf("more than %d images", maxImages)
	}
	found := make([]*candidate, len(all))
	for i := range all {
		found[i] = &candidate{names: all[i].RepoTags, id: digestIn(all[i].Config), saved: &all[i]}
	}
	return found, nil
}

// savedParts reads the configuration of s.
func savedParts(r *reader, s *saved) (*config, []Layer, error) {
	text, err := r.readAs(s.Config, fmt.Sprintf("%.100q", s.Config))
	if err != nil {
		return nil, nil, err
	}
	if id := digestIn(s.Config); id != "" {
		if err := check(text, id, int64(len(text))); err != nil {
			return nil, nil, err
		}
	}
	var c config
	if err := parse(s.Config, text, &c); err != nil {
		return nil, nil, err
	}
	if len(s.Layers) > maxLayers {
		return nil, nil, fmt.Errorf("more than %d layers", maxLayers)
	}
	var layers []Layer
	for _, name := range s.Layers {
		layers = append(layers, Layer{Name: name, File: name, Size: -1})
	}
	return &c, layers, nil
}

// digestIn returns the digest that the name of a configuration holds, as in HEX.json or
// blobs/sha256/HEX, or "".
func digestIn(name string) digest.Digest {
	hex := strings.TrimSuffix(path.Base(name), ".json")
	d := digest.NewDigestFromEncoded(digest.SHA256, strings.TrimPrefix(hex, "sha256:"))
	if d.Validate() != nil {
		return ""
	}
	return d
}
