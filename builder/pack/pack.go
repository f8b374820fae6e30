// Package pack writes an image: it packs the members of a layout on all cores and writes the
// archives in order. The same layout, contents and codecs give the same bytes, on however
// many cores.
package pack

import (
	"context"
	"encoding/hex"
	"fmt"
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

	Outer   Codec   // codec of the segments that the kernel unpacks
	Stream  bool    // one compressed stream, not one for each segment
	Payload Codec   // codec of the members that the stub unpacks; only for layout.Tmpfs
	Cache   *Cache  // of archives that were packed before, or nil
	Watcher Watcher // sees the first bytes of the root's files, or nil

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

// Segment is one compressed stream, or one raw archive, of the image.
type Segment struct {
	Kind     string // "early", "boot", "payload", "files", "root"; "stream" for all of them
	Codec    string
	Offset   int64
	Size     int64 // bytes in the image, without padding
	Unpacked int64 // bytes of the archive
	Cached   bool  // had been compressed before
}

// Member is one archive of the payload.
type Member struct {
	bootplan.Member
	Cached bool // had been compressed before
}

// Write writes the image to w, segment after segment, and pads the last.
func Write(ctx context.Context, w io.Writer, j Job) (Result, error) {
	p := &packer{
		Job: j, segment: j.Outer, compressor: compressor{cache: j.Cache}, progress: newProgress(j.Progress, j.Layout.Archives()),
		image: &imageWriter{w: w},
	}
	stream := j.Stream && j.Outer.Name != compress.None
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
		if s.Codec == p.Outer.Name {
			window = max(window, p.Outer.Window(s.Unpacked))
		}
	}
	return p.Outer.Memory(window)
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
	done, err := p.compress(ctx, p.image, p.Outer, archive{size, func(w io.Writer, progress *progress) error {
		return p.writeSegments(ctx, &imageWriter{w: w}, progress)
	}}, false, p.progress)
	if err != nil {
		return err
	}
	if done.cached {
		p.progress.add(read)
	}
	p.image.endSegment("stream", p.Outer, 0, size, done.cached)
	return nil
}

// copyPayload writes the packed payload to out.
func (p *packer) copyPayload(ctx context.Context, out *imageWriter) error {
	start, err := out.beginSegment(p.payload.last)
	if err != nil {
		return err
	}
	for _, s := range p.payload.segments {
		s.Offset += start
		out.segments = append(out.segments, s)
		p.rootfs += s.Unpacked
	}
	out.last = p.payload.last
	if _, err := p.Spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	n, err := io.Copy(&cancelable{ctx, out}, p.Spool)
	p.copied = n
	return err
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

// packPayload packs the payload of layout.Tmpfs into the spool. The spool is needed because the
// boot plan, in front of the payload, holds sizes and sums of the members.
func (p *packer) packPayload(ctx context.Context) error {
	if p.Layout.Type != layout.Tmpfs {
		return nil
	}
	p.payload.w = p.SpoolAt.To(p.Spool)
	return p.writePayload(ctx, &p.payload)
}

// writePayload writes the members to payload, which is the spool. Compressed members lie in one
// raw archive. Raw members are compressed with the outer codec, each in an archive of its own,
// so that all cores take part.
func (p *packer) writePayload(ctx context.Context, payload *imageWriter) error {
	members := p.Layout.Members
	p.members = make([]Member, len(members))
	packMember := func(ctx context.Context, i int, w io.Writer, read *progress) error {
		done, err := p.packMember(ctx, w, p.Payload, members[i], true, read)
		m := bootplan.Member{Packed: done.size, Unpacked: members[i].Size, SHA256: hex.EncodeToString(done.sha256[:])}
		if !p.Payload.Checked {
			m.CRC32 = fmt.Sprintf("%08x", done.crc32)
		}
		p.members[i] = Member{m, done.cached}
		return err
	}
	if p.Payload.Name != compress.None || p.segment.Name == compress.None {
		to := &nestSink{imageWriter: payload, header: func(at int64) io.Writer { return p.SpoolAt.To(io.NewOffsetWriter(p.Spool, at)) }}
		err := inOrder(ctx, len(members), workers(p.Payload, members), to, func(ctx context.Context, i int, w io.Writer) error {
			return packMember(ctx, i, w, p.progress)
		})
		if err != nil {
			return err
		}
		return to.close()
	}
	to := newSegmentSink(payload, "payload", p.segment, len(members), func(i int) int64 {
		return cpio.EntrySize(bootplan.MemberName(i), members[i].Size) + cpio.TrailerSize
	})
	return inOrder(ctx, len(members), workers(p.segment, members), to, func(ctx context.Context, i int, w io.Writer) error {
		done, err := p.compress(ctx, w, p.segment, archive{to.size(i), func(w io.Writer, read *progress) error {
			out := cpio.NewWriter(w)
			h := memberHeader(i, members[i].Size)
			if err := out.WriteHeader(&h); err != nil {
				return err
			}
			if err := packMember(ctx, i, out, read); err != nil {
				return err
			}
			return out.Close()
		}}, false, p.progress)
		if to.cached[i] = done.cached; done.cached {
			p.progress.add(members[i].Size)
		}
		return err
	})
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

// Packed returns the members as the boot plan describes them.
func Packed(members []Member) []bootplan.Member {
	var packed []bootplan.Member
	for _, m := range members {
		packed = append(packed, m.Member)
	}
	return packed
}
