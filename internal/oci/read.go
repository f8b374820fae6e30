package oci

import (
	"bytes"
	_ "crypto/sha256" // for go-digest
	_ "crypto/sha512"
	"encoding/json"
	"fmt"

	"github.com/opencontainers/go-digest"
	ispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// The bounds of a document. Registries refuse manifests above 4 MiB. A document of many objects
// takes far more memory than its text.
const (
	maxDocument = 4 << 20
	maxObjects  = 64 << 10
	maxRead     = 64 << 20 // bytes in all
)

// reader reads the documents of an image.
type reader struct {
	files Files
	size  int64 // of all documents so far
}

// read returns the document in the file called name.
func (r *reader) read(name string) ([]byte, error) { return r.readAs(name, name) }

// readAs is read with another name for messages.
func (r *reader) readAs(name, shown string) ([]byte, error) {
	text, err := r.files.ReadFile(name, maxDocument)
	if r.size += int64(len(text)); r.size > maxRead {
		return nil, fmt.Errorf("indexes, manifests and configurations of more than %d MiB", maxRead>>20)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", shown, err)
	}
	return text, nil
}

// blob returns the document that d describes.
func (r *reader) blob(d ispec.Descriptor) ([]byte, error) {
	if err := d.Digest.Validate(); err != nil {
		return nil, fmt.Errorf("blob %.100q: %w", d.Digest, err)
	}
	if d.Size < 0 {
		return nil, fmt.Errorf("blob %s: its size is given as %d", d.Digest, d.Size)
	}
	text, err := r.readAs(blobFile(d.Digest), "blob "+d.Digest.String())
	if err != nil {
		return nil, err
	}
	return text, check(text, d.Digest, d.Size)
}

// document reads the index or the manifest that d describes. One that says that it has another
// media type than d is an error, because others may take it for something else.
func (r *reader) document(d ispec.Descriptor, value any) error {
	text, err := r.blob(d)
	if err != nil {
		return err
	}
	var says struct {
		MediaType         string
		Manifests, Layers []struct{}
	}
	name := "blob " + d.Digest.String()
	if err := parse(name, text, &says); err != nil {
		return err
	}
	switch {
	case says.MediaType != "" && says.MediaType != d.MediaType:
		return fmt.Errorf("%s: its media type is %.100q, and %.100q where it is named", name, says.MediaType, d.MediaType)
	case says.Manifests != nil && says.Layers != nil:
		return fmt.Errorf("%s: both an index and a manifest", name)
	}
	return parse(name, text, value)
}

// blobFile returns the name of the file with the digest d, which is valid.
func blobFile(d digest.Digest) string {
	return ispec.ImageBlobsDir + "/" + d.Algorithm().String() + "/" + d.Encoded()
}

// check returns an error unless text has a size and a digest.
func check(text []byte, want digest.Digest, size int64) error {
	if int64(len(text)) != size {
		return Mismatch(want, size, int64(len(text)), want)
	}
	return Mismatch(want, size, size, want.Algorithm().FromBytes(text))
}

// Mismatch returns an error unless a blob has the size and the digest that it must have. A
// wanted size of -1 is any.
func Mismatch(want digest.Digest, wantSize, size int64, got digest.Digest) error {
	switch {
	case wantSize >= 0 && size != wantSize:
		return fmt.Errorf("blob %s: has %d bytes, want %d", want, size, wantSize)
	case got != want:
		return fmt.Errorf("blob %s: its content has the digest %s", want, got)
	}
	return nil
}

// parse decodes a document.
func parse(name string, text []byte, value any) error {
	if n := bytes.Count(text, []byte("{")); n > maxObjects {
		return fmt.Errorf("%s: %d objects, where %d are the most", name, n, maxObjects)
	}
	if err := json.Unmarshal(text, value); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
