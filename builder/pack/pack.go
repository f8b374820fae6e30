// Package pack writes an image: it packs the members of a layout on all cores and writes the
// archives in order. The same layout, contents and codecs give the same bytes, on however
// many cores.
package pack

import (
	"context"
	"io"
	"os"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/layout"
	"github.com/mkinitfs/mkinitfs/compress"
)

// Job is an image to be written.
type Job struct {
	Layout *layout.Layout
	Stub   []byte // nil for layout.None
	Early  []Early

	Compress Codec   // codec of the segments that the kernel unpacks
	Stream   bool    // one compressed stream, not one for each segment
	Payload  Codec   // codec of the members that the stub unpacks; only for layout.Tmpfs
	Cache    *Cache  // of archives that were packed before, or nil
	Watcher  Watcher // sees the first bytes of the root's files, or nil

	// Spool takes the packed payload of layout.Tmpfs while it grows: an empty file.
	Spool   *os.File
	SpoolAt Destination

	// Progress is called with the bytes of the root that have been read, and with their total.
	// It is called from one goroutine at a time, and may be nil.
	Progress func(done, total int64)
}

// Result describes the image. After an error only Size is valid: the image has at least so many
// bytes.
type Result struct {
	Size     int64     // bytes of the image
	Rootfs   int64     // bytes of the archives that the kernel unpacks beside the root
	Window   int64     // bytes of unpacked data that the kernel's decompressor holds
	Segments []Segment // in the order of the image
	Members  []Member  // of the payload
}

// Segment is one compressed stream, or one raw archive, of the image. Its JSON form is stable.
type Segment struct {
	Kind     string `json:"kind"` // "early", "boot", "payload", "files", "root"; "stream" for all of them
	Codec    string `json:"codec"`
	Offset   int64  `json:"offset"`
	Size     int64  `json:"size"`             // bytes in the image, without padding
	Unpacked int64  `json:"unpacked"`         // bytes of the archive
	Cached   bool   `json:"cached,omitempty"` // had been compressed before
}

// Member is one archive of the payload.
type Member struct {
	bootplan.Member
	Cached bool // had been compressed before
}

// Write writes the image to w, segment after segment, and pads the last.
func Write(ctx context.Context, w io.Writer, j Job) (Result, error) {
	p := &packer{
		Job: j, segment: j.Compress, compressor: compressor{cache: j.Cache}, progress: newProgress(j.Progress, j.Layout.Archives()),
		image: &imageWriter{w: w},
	}
	stream := j.Stream && j.Compress.Name != compress.None
	if stream {
		p.segment = Codec{Codec: compress.Raw()}
	}
	err := p.packPayload(ctx)
	if err == nil && stream {
		err = p.writeStream(ctx)
	} else if err == nil {
		err = p.writeSegments(ctx, p.image, p.progress)
	}
	if err == nil {
		_, err = p.image.beginSegment(nil)
	}
	size := p.image.size
	if !stream {
		size += p.payload.size - p.copied
	}
	return Result{size, p.rootfs, p.window(), p.image.segments, p.members}, err
}

// window returns the bytes that the kernel's decompressor holds of the largest segment.
func (p *packer) window() int64 {
	var window int64
	for _, s := range p.image.segments {
		if s.Codec == p.Compress.Name {
			window = max(window, p.Compress.Window(s.Unpacked))
		}
	}
	return p.Compress.Memory(window)
}

// packer is the state of a job.
type packer struct {
	Job
	compressor
	segment  Codec // of each segment; none if the image is one stream
	progress *progress
	image    *imageWriter
	payload  imageWriter // of layout.Tmpfs, in the spool
	copied   int64       // bytes of the payload that are in the image
	rootfs   int64
	members  []Member
}

// writeSegments writes the segments to out. It can be called more than once.
func (p *packer) writeSegments(ctx context.Context, out *imageWriter, read *progress) error {
	p.rootfs = 0
	for _, e := range p.Early {
		if err := p.writeEarly(ctx, e, out); err != nil {
			return err
		}
	}
	if p.Layout.Type != layout.None {
		if err := p.writeBoot(ctx, out); err != nil {
			return err
		}
	}
	if p.Layout.Type == layout.Tmpfs {
		if err := p.copyPayload(ctx, out); err != nil {
			return err
		}
		return p.writeOnce(ctx, out, read)
	}
	members := p.Layout.Members
	to := newSegmentSink(out, "root", p.segment, len(members), func(i int) int64 { return members[i].Size })
	return inOrder(ctx, len(members), workers(p.segment, members), to, func(ctx context.Context, i int, w io.Writer) error {
		done, err := p.packMember(ctx, w, p.segment, members[i], false, read)
		to.cached[i] = done.cached
		return err
	})
}

// writeStream writes the segments of an uncompressed image as one compressed stream.
func (p *packer) writeStream(ctx context.Context) error {
	size := p.payload.size
	if p.Layout.Type != layout.None {
		size += layout.ArchiveSize(p.bootItems())
	}
	var read int64 // while the stream is compressed
	for _, m := range p.Layout.Archives()[len(p.members):] {
		read += m.Size
	}
	size += read
	done, err := p.compress(ctx, p.image, p.Compress, archive{size, func(w io.Writer, progress *progress) error {
		return p.writeSegments(ctx, &imageWriter{w: w}, progress)
	}}, false, p.progress)
	if err != nil {
		return err
	}
	if done.cached {
		p.progress.add(read)
	}
	p.image.endSegment("stream", p.Compress, 0, size, done.cached)
	return nil
}

// writeOnce writes the segment with the files of the root that are in no member, if any.
func (p *packer) writeOnce(ctx context.Context, out *imageWriter, read *progress) error {
	m := p.Layout.Once
	if m == nil {
		return nil
	}
	start, err := out.beginSegment(p.segment.Codec)
	if err != nil {
		return err
	}
	done, err := p.packMember(ctx, out, p.segment, *m, false, read)
	if err != nil {
		return err
	}
	p.rootfs += m.Size
	out.endSegment("files", p.segment, start, m.Size, done.cached)
	return nil
}

// packMember compresses a member to w.
func (p *packer) packMember(ctx context.Context, w io.Writer, c Codec, m layout.Member, sums bool, read *progress) (stream, error) {
	done, err := p.compress(ctx, w, c, archive{m.Size, func(w io.Writer, read *progress) error {
		return writeArchive(ctx, read.through(w), m.Items, p.Watcher)
	}}, sums, read)
	if done.cached {
		read.add(m.Size)
	}
	return done, err
}

// writeEarly writes the archives unchanged, and a trailer if there is none: hard links of what
// follows must not lead to files of the same number in them.
func (p *packer) writeEarly(ctx context.Context, e Early, out *imageWriter) error {
	raw := Codec{Codec: compress.Raw()}
	start, err := out.beginSegment(raw.Codec)
	if err != nil {
		return err
	}
	if over := start % max(e.Align, 1); over > 0 {
		if err := out.pad(int(e.Align - over)); err != nil {
			return err
		}
		start = out.size
	}
	if _, err := io.Copy(&cancelable{ctx, out}, e.Archives); err != nil {
		return err
	}
	if err := e.Check(); err != nil {
		return err
	}
	if !e.Trailer {
		if err := out.pad(raw.Pad(out.size, raw.Codec)); err != nil {
			return err
		}
		if err := cpio.NewWriter(out).Close(); err != nil {
			return err
		}
	}
	size := out.size - start
	p.rootfs += size
	out.endSegment("early", raw, start, size, false)
	return nil
}

// writeBoot writes the boot segment. The members must be packed, because the boot plan
// describes them.
func (p *packer) writeBoot(ctx context.Context, out *imageWriter) error {
	items := p.bootItems()
	size := layout.ArchiveSize(items)
	start, err := out.beginSegment(p.segment.Codec)
	if err != nil {
		return err
	}
	done, err := p.compress(ctx, out, p.segment, archive{size, func(w io.Writer, _ *progress) error {
		return writeArchive(ctx, w, items, nil)
	}}, false, nil)
	if err != nil {
		return err
	}
	p.rootfs += size
	out.endSegment("boot", p.segment, start, size, done.cached)
	return nil
}

func (p *packer) bootItems() []layout.Item {
	return p.Layout.BootItems(p.Stub, Packed(p.members))
}
