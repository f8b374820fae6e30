package pack

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/layout"
	"github.com/mkinitfs/mkinitfs/compress"
)

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
// raw archive. Raw members are compressed with the codec of the segments, each in an archive of its own,
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

// Packed returns the members as the boot plan describes them.
func Packed(members []Member) []bootplan.Member {
	var packed []bootplan.Member
	for _, m := range members {
		packed = append(packed, m.Member)
	}
	return packed
}
