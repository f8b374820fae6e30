package source

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/opencontainers/go-digest"

	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/magic"
	"github.com/mkinitfs/mkinitfs/internal/oci"
)

// checkPart checks that p begins as a tar archive.
func checkPart(p *part) error {
	head := make([]byte, magic.HeadSize)
	n, err := p.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return err
	}
	return checkTar(head[:n])
}

// layerUnpacker unpacks layers to one nameless file.
type layerUnpacker struct {
	*job
	src    string
	files  imageFiles
	file   *os.File // nil until there is one
	size   int64    // of file
	left   int64    // bytes that all layers may still have
	over   error    // returned beyond
	failed error    // of writing
}

// unpack returns the tar archive of a layer. One that is not compressed stays in its file. Both
// digests are compared before anybody looks into the archive.
func (u *layerUnpacker) unpack(ctx context.Context, l *oci.Layer) (*part, error) {
	blob, err := u.files.open(l.File)
	if err != nil {
		return nil, err
	}
	packed, diff := newSum(l.Digest), newSum(l.DiffID)
	in := bufio.NewReaderSize(interruptible{ctx, io.TeeReader(blob, packed)}, 1<<16)
	if err := skipFrames(in); err != nil {
		return nil, err
	}
	head, err := in.Peek(magic.HeadSize)
	if err != nil && err != io.EOF {
		return nil, err
	}
	plain, codec := blob, codecOf(head)
	if len(head) > 0 {
		u.compareCodec(l, codec)
	}
	if codec == nil {
		if u.left -= blob.Size(); u.left < 0 {
			return nil, u.over
		}
		_, err = io.Copy(diff, in)
	} else {
		plain, err = u.decode(ctx, codec, in, diff)
	}
	switch {
	case u.failed != nil:
		return nil, u.failed
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case l.Digest != "":
		// The digest says best what is wrong with a damaged layer.
		if wrong := oci.Mismatch(l.Digest, l.Size, blob.Size(), packed.digest(l.Digest)); wrong != nil {
			return nil, wrong
		}
	}
	if err != nil {
		return nil, err
	}
	if got := diff.digest(l.DiffID); got != l.DiffID {
		return nil, fmt.Errorf("unpacked it has the digest %s, where the configuration has %s", got, l.DiffID)
	}
	plain.private = blob.private
	return plain, nil
}

// decode decompresses a layer, and reads in to its end for the digest.
func (u *layerUnpacker) decode(ctx context.Context, codec *compress.Codec, in *bufio.Reader, diff io.Writer) (*part, error) {
	if u.file == nil {
		if u.file, u.failed = nameless(); u.failed != nil {
			return nil, u.failed
		}
	}
	start := u.size
	err := unpack(ctx, io.MultiWriter(u, diff), codec, in, nil)
	if u.failed == nil {
		_, rest := io.Copy(io.Discard, in)
		err = cmp.Or(err, rest)
	}
	return newPart(&opened{File: u.file}, start, u.size-start), err
}

// Write writes to the file.
func (u *layerUnpacker) Write(p []byte) (int, error) {
	b := bounded{u.file, u.left, u.over}
	n, err := b.Write(p)
	u.size, u.left, u.failed = u.size+int64(n), b.left, err
	return n, err
}

// compareCodec warns if the media type of a layer names another codec than its content.
func (u *layerUnpacker) compareCodec(l *oci.Layer, codec *compress.Codec) {
	name := compress.None
	if codec != nil {
		name = codec.Name
	}
	if l.Codec != "" && l.Codec != name {
		u.warn("%s: %s: its content says %s for the compression, and its media type %s", u.src, l.Name, name, l.Codec)
	}
}

// Close closes the file.
func (u *layerUnpacker) Close() error {
	if u.file == nil {
		return nil
	}
	return u.file.Close()
}

// sum is a digest being computed. Without an algorithm it computes none.
type sum struct{ hash.Hash }

func newSum(want digest.Digest) sum {
	if want == "" {
		return sum{}
	}
	return sum{want.Algorithm().Hash()}
}

func (s sum) Write(p []byte) (int, error) {
	if s.Hash == nil {
		return len(p), nil
	}
	return s.Hash.Write(p)
}

// digest returns the digest, in the algorithm of want.
func (s sum) digest(want digest.Digest) digest.Digest {
	return digest.NewDigest(want.Algorithm(), s.Hash)
}
