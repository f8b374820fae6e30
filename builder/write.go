package builder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/layout"
	"github.com/mkinitfs/mkinitfs/internal/newfile"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// write writes the image, segment after segment.
func (b *build) write(ctx context.Context, w io.Writer) error {
	sum := sha256.New()
	if b.options.Digest {
		w = io.MultiWriter(w, sum)
	}
	out := &image{w: w, limit: b.manifest.Output.MaxSize, report: &b.report}
	err := b.writeImage(ctx, out)
	if errors.Is(err, errTooLarge) {
		err = b.tooLarge(ctx)
	}
	if err != nil {
		return err
	}
	b.warnForeign()
	if b.cache != nil {
		b.cache.Prune()
	}
	b.report.Size = out.size
	b.report.MinRAM = b.minRAM()
	if b.options.Digest {
		b.report.SHA256 = hex.EncodeToString(sum.Sum(nil))
	}
	return nil
}

// writeImage writes the segments, and pads the last.
func (b *build) writeImage(ctx context.Context, out *image) error {
	if err := b.writeSegments(ctx, out, b.layout.Members); err != nil {
		return err
	}
	return out.pad(int(-out.size & 3))
}

func (b *build) writeSegments(ctx context.Context, out *image, members []layout.Member) error {
	if b.manifest.Root.Type == manifests.Tmpfs {
		return b.writeNested(ctx, out, members)
	}
	if b.manifest.Root.Type == manifests.Bind {
		if err := b.writeBoot(ctx, out, nil); err != nil {
			return err
		}
	}
	to := newSegments(out, "root", b.outer, len(members), func(i int) int64 { return members[i].Size })
	return inOrder(ctx, len(members), b.workers(b.outer), to, func(ctx context.Context, i int, w io.Writer) error {
		done, err := b.packMember(ctx, w, b.outer, members[i], false, b.progress)
		to.cached[i] = done.cached
		return err
	})
}

// writeNested writes the boot segment and the payload. The plan in the former
// tells sizes and sums of the members in the latter, so the payload is made first,
// in a temporary file without a name.
func (b *build) writeNested(ctx context.Context, out *image, members []layout.Member) error {
	spool, err := b.takeSpool()
	if err != nil {
		return b.spoolTo(nil).fail(err)
	}
	defer spool.Close()

	payload := &image{w: b.spoolTo(spool), limit: out.limit, report: &Report{}}
	if err := b.writePayload(ctx, payload, spool, members); err != nil {
		return err
	}
	if err := b.writeBoot(ctx, out, b.packed); err != nil {
		return err
	}
	for i := range payload.report.Segments {
		payload.report.Segments[i].Offset += out.size
	}
	b.report.Segments = append(b.report.Segments, payload.report.Segments...)
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err = io.Copy(&cancelable{ctx, out}, spool)
	return err
}

// writePayload writes the members to payload, which is spool. Members that are
// compressed themselves lie in one raw archive. Raw ones are compressed as the
// kernel takes them, each in an archive of its own, so that this too is done on
// all cores.
func (b *build) writePayload(ctx context.Context, payload *image, spool *os.File, members []layout.Member) error {
	b.packed = make([]bootplan.Member, len(members))
	b.report.Members = make([]Member, len(members))
	packMember := func(ctx context.Context, i int, w io.Writer, p *progress) error {
		done, err := b.packMember(ctx, w, b.payload, members[i], true, p)
		m := bootplan.Member{Packed: done.size, Unpacked: members[i].Size, SHA256: hex.EncodeToString(done.sha256[:])}
		if !b.payload.Checked {
			m.CRC32 = fmt.Sprintf("%08x", done.crc32)
		}
		b.packed[i], b.report.Members[i] = m, Member{m.Packed, m.Unpacked, m.SHA256, done.cached}
		return err
	}
	if b.payload.Name != "none" || b.outer.Name == "none" {
		to := &nest{image: payload, header: func(at int64) io.Writer { return b.spoolTo(io.NewOffsetWriter(spool, at)) }}
		err := inOrder(ctx, len(members), b.workers(b.payload), to, func(ctx context.Context, i int, w io.Writer) error {
			return packMember(ctx, i, w, b.progress)
		})
		if err != nil {
			return err
		}
		return to.close()
	}
	to := newSegments(payload, "payload", b.outer, len(members), func(i int) int64 {
		return cpio.EntrySize(bootplan.MemberName(i), members[i].Size) + cpio.TrailerSize
	})
	return inOrder(ctx, len(members), b.workers(b.outer), to, func(ctx context.Context, i int, w io.Writer) error {
		done, err := b.pack(ctx, w, b.outer, to.size(i), false, b.progress, func(w io.Writer, p *progress) error {
			archive := cpio.NewWriter(w)
			h := memberHeader(i, members[i].Size)
			if err := archive.WriteHeader(&h); err != nil {
				return err
			}
			if err := packMember(ctx, i, archive, p); err != nil {
				return err
			}
			return archive.Close()
		})
		if to.cached[i] = done.cached; done.cached {
			b.progress.add(members[i].Size)
		}
		return err
	})
}

// takeSpool returns the file for the packed payload while it grows.
func (b *build) takeSpool() (*os.File, error) {
	if f := b.spool; f != nil {
		b.spool = nil
		return f, nil
	}
	return newfile.Temp(b.options.TempDir)
}

// workers is how many members are packed at once with a codec.
func (b *build) workers(c codec) int {
	if c.Name == "none" {
		return 1 // copying is not helped by a second core
	}
	return runtime.GOMAXPROCS(0)
}

// writeBoot writes the boot segment: the stub, what it needs before it has mounted
// anything, and what the manifest's boot globs name.
func (b *build) writeBoot(ctx context.Context, out *image, members []bootplan.Member) error {
	s := b.stub
	b.report.Stub = &Stub{SHA256: s.SHA256, Size: int64(len(s.Data)), GoVersion: s.GoVersion, Origin: s.Origin}
	items := b.layout.BootItems(s.Data, members)
	size := layout.ArchiveSize(items)
	start := out.size
	done, err := b.pack(ctx, out, b.outer, size, false, nil, func(w io.Writer, _ *progress) error {
		return writeArchive(ctx, w, items, nil)
	})
	if err != nil {
		return err
	}
	return out.segment("boot", b.outer, start, size, done.cached)
}
