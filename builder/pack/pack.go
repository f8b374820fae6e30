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
	"runtime"

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

	Outer   Codec   // what the kernel unpacks
	Payload Codec   // what the stub unpacks; none but for layout.Tmpfs
	Cache   *Cache  // of what was packed before, or nil
	Watcher Watcher // sees the first bytes of the root's files, or nil

	// Spool takes the packed payload of layout.Tmpfs while it grows: an empty file.
	Spool   *os.File
	SpoolAt Destination

	// Progress is told how many bytes of the root have been read, of how many. It is
	// called from one goroutine at a time, and may be nil.
	Progress func(done, total int64)
}

// Result says what was written. After an error only Size counts: the image has at least so
// many bytes.
type Result struct {
	Size     int64     // bytes of the image
	Segments []Segment // in the order of the image
	Members  []Member  // of the payload
}

// Segment is one compressed stream, or one raw archive, of the image.
type Segment struct {
	Kind     string // "early", "boot", "payload", "root"
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
		Job: j, compressor: compressor{cache: j.Cache}, progress: newProgress(j.Progress, j.Layout.Members),
		image: &imageWriter{w: w},
	}
	err := p.write(ctx)
	if err == nil {
		err = p.image.pad(int(-p.image.size & 3))
	}
	return Result{p.image.size + p.ahead, p.image.segments, p.members}, err
}

// packer is a job at work.
type packer struct {
	Job
	compressor
	progress *progress
	image    *imageWriter
	members  []Member
	ahead    int64 // bytes of the payload, while they are not in the image
}

func (p *packer) write(ctx context.Context) error {
	for _, e := range p.Early {
		if err := p.writeEarly(ctx, e); err != nil {
			return err
		}
	}
	if p.Layout.Type == layout.Tmpfs {
		return p.writeNested(ctx)
	}
	if p.Layout.Type == layout.Bind {
		if err := p.writeBoot(ctx); err != nil {
			return err
		}
	}
	members := p.Layout.Members
	to := newSegmentSink(p.image, "root", p.Outer, len(members), func(i int) int64 { return members[i].Size })
	return inOrder(ctx, len(members), workers(p.Outer), to, func(ctx context.Context, i int, w io.Writer) error {
		done, err := p.packMember(ctx, w, p.Outer, members[i], false, p.progress)
		to.cached[i] = done.cached
		return err
	})
}

// writeNested writes the boot segment and the payload. The boot plan in the former holds
// sizes and sums of the members in the latter, so the payload is made first, in the spool.
func (p *packer) writeNested(ctx context.Context) error {
	payload := &imageWriter{w: p.SpoolAt.To(p.Spool)}
	err := p.writePayload(ctx, payload)
	p.ahead = payload.size
	if err != nil {
		return err
	}
	if err := p.writeBoot(ctx); err != nil {
		return err
	}
	for _, s := range payload.segments {
		s.Offset += p.image.size
		p.image.segments = append(p.image.segments, s)
	}
	if _, err := p.Spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	n, err := io.Copy(&cancelable{ctx, p.image}, p.Spool)
	p.ahead -= n
	return err
}

// writePayload writes the members to payload, which is the spool. Members that are compressed
// themselves lie in one raw archive. Raw ones are compressed as the kernel takes them, each in
// an archive of its own, so that this too is done on all cores.
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
	if p.Payload.Name != compress.None || p.Outer.Name == compress.None {
		to := &nestSink{imageWriter: payload, header: func(at int64) io.Writer { return p.SpoolAt.To(io.NewOffsetWriter(p.Spool, at)) }}
		err := inOrder(ctx, len(members), workers(p.Payload), to, func(ctx context.Context, i int, w io.Writer) error {
			return packMember(ctx, i, w, p.progress)
		})
		if err != nil {
			return err
		}
		return to.close()
	}
	to := newSegmentSink(payload, "payload", p.Outer, len(members), func(i int) int64 {
		return cpio.EntrySize(bootplan.MemberName(i), members[i].Size) + cpio.TrailerSize
	})
	return inOrder(ctx, len(members), workers(p.Outer), to, func(ctx context.Context, i int, w io.Writer) error {
		done, err := p.compress(ctx, w, p.Outer, archive{to.size(i), func(w io.Writer, read *progress) error {
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

// workers returns how many members are packed at once with a codec.
func workers(c Codec) int {
	if c.Name == compress.None {
		return 1 // a second core does not help copying
	}
	return runtime.GOMAXPROCS(0)
}

// writeBoot writes the boot segment. It tells of the members that have been packed.
func (p *packer) writeBoot(ctx context.Context) error {
	items := p.Layout.BootItems(p.Stub, Packed(p.members))
	size := layout.ArchiveSize(items)
	start := p.image.size
	done, err := p.compress(ctx, p.image, p.Outer, archive{size, func(w io.Writer, _ *progress) error {
		return writeArchive(ctx, w, items, nil)
	}}, false, nil)
	if err != nil {
		return err
	}
	return p.image.endSegment("boot", p.Outer, start, size, done.cached)
}

// Packed returns what a boot plan says of the members.
func Packed(members []Member) []bootplan.Member {
	var packed []bootplan.Member
	for _, m := range members {
		packed = append(packed, m.Member)
	}
	return packed
}
