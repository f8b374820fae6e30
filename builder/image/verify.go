package image

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/compress"
)

// Verification is the result of comparing all sums of an image.
type Verification struct {
	Sums   []Sum
	Damage []string // what is wrong beside these sums, in words
	Info   *Info

	// Epoch is the time of the boot plan, which is SOURCE_DATE_EPOCH of the build or 0.
	Epoch int64
}

// Sum is a checksum of a part of an image, or the lack of one.
type Sum struct {
	Of     string // the part, such as "segment 0", "root.0003"
	Kind   string // "SHA-256 in the boot plan"; "" if the part has no sum
	Damage string // why it does not match, or ""
}

// Whole reports whether nothing is damaged, as far as sums tell.
func (v *Verification) Whole() bool {
	for _, s := range v.Sums {
		if s.Damage != "" {
			return false
		}
	}
	return len(v.Damage) == 0
}

// Verify compares all sums of the image in: those of the boot loader's file around it, of its
// compressed streams and archives, of its boot plan. It goes on behind damage where it can. An
// error means that there is nothing to verify.
func Verify(ctx context.Context, in File) (*Verification, error) {
	file := asFile(in)
	if file == nil {
		return nil, errNoArchive
	}
	v := &Verification{Info: &Info{}}
	e, err := openEnvelope(in, file)
	if err != nil {
		return nil, err
	}
	if e != nil {
		file = e.ramdisk
		if err := v.envelope(e); err != nil {
			return nil, err
		}
	}
	packed, packedErr := v.packed(ctx, *file)
	err = v.unpacked(ctx, *file)
	if e != nil {
		e.describe(v.Info)
	}
	for _, err := range []error{err, packedErr} {
		if cannot := (*fs.PathError)(nil); err != nil && (errors.As(err, &cannot) || ctx.Err() != nil || errors.Is(err, ErrNotImage)) {
			return nil, err
		}
	}
	if errors.Is(err, errNoArchive) && len(v.Info.Segments) == 0 {
		return nil, err
	}
	v.members(packed)
	switch {
	case err != nil:
		v.Damage = append(v.Damage, err.Error())
	case packedErr != nil:
		v.Damage = append(v.Damage, packedErr.Error())
	case v.Info.Plan != nil:
		v.Sums = append(v.Sums, Sum{Of: "boot plan", Kind: "numbers of entries and members"})
	}
	for _, f := range v.Info.Findings {
		if f.Code == bodyCut.code {
			v.Damage = append(v.Damage, f.String())
		}
	}
	return v, nil
}

// envelope adds the sums of the file around the image.
func (v *Verification) envelope(e *enveloped) error {
	sums, damage, err := e.Sums(e.whole.section(), e.part)
	if err != nil {
		return err
	}
	for _, s := range sums {
		v.Sums = append(v.Sums, Sum{s.Of, s.Algorithm + " in the " + e.Format, s.Damage})
	}
	if len(sums) == 0 {
		v.Sums = append(v.Sums, Sum{Of: e.part.Name + " of the " + e.Format})
	}
	v.Damage = append(v.Damage, damage...)
	return nil
}

// packedMember is a member as it is stored.
type packedMember struct {
	name     string
	size     int64
	sha, crc string
}

// packed reads what the kernel unpacks, and returns the members with their sums.
func (v *Verification) packed(ctx context.Context, file imageFile) (members []packedMember, err error) {
	w := &walker{info: &Info{}, outer: true, file: &file}
	w.visit = func(e *Entry, body io.Reader) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if e.Path() == "/"+bootplan.Path {
			v.Epoch = e.MTime
		}
		name := memberName(e)
		if name == "" {
			return nil
		}
		sha, crc := sha256.New(), crc32.NewIEEE()
		n, err := io.Copy(io.MultiWriter(sha, crc), body)
		members = append(members, packedMember{name, n, sumText(sha), sumText(crc)})
		return err
	}
	return members, w.bare(nil)
}

// unpacked reads everything to its end.
func (v *Verification) unpacked(ctx context.Context, file imageFile) error {
	w := &walker{info: v.Info, file: &file, checks: &checks{segments: map[int]Sum{}}}
	w.visit = func(*Entry, io.Reader) error { return context.Cause(ctx) }
	err := w.bare(nil)
	for _, s := range v.Info.Segments {
		if sum, ok := w.checks.segments[s.Index]; ok {
			v.Sums = append(v.Sums, sum)
		} else {
			v.Sums = append(v.Sums, Sum{Of: fmt.Sprintf("segment %d, which is raw", s.Index)})
		}
	}
	v.Sums = append(v.Sums, w.checks.members...)
	if n := w.checks.entries; n > 0 {
		v.Sums = append(v.Sums, Sum{Of: "contents of entries", Kind: fmt.Sprintf("sums in headers (070702), %d", n)})
	}
	if v.Info.BootConfig > 0 {
		v.Sums = append(v.Sums, Sum{Of: "boot configuration", Kind: "sum of its bytes"})
	}
	return err
}

// members compares members with the boot plan.
func (v *Verification) members(packed []packedMember) {
	p, err := bootplan.Parse(v.Info.Plan)
	if v.Info.Plan == nil || err != nil {
		return // the error of the walk says so
	}
	for i, m := range packed {
		if i >= len(p.Members) || m.name != strings.TrimPrefix(bootplan.MemberName(i), bootplan.Dir+"/") {
			return
		}
		want := p.Members[i]
		sha, crc := Sum{m.name, "SHA-256 in the boot plan", ""}, Sum{m.name, "CRC-32 in the boot plan", ""}
		switch {
		case m.size != want.Packed:
			sha.Damage = fmt.Sprintf("%d bytes, the boot plan has %d", m.size, want.Packed)
		case m.sha != want.SHA256:
			sha.Damage = fmt.Sprintf("it is %s, not %s", m.sha, want.SHA256)
		}
		v.Sums = append(v.Sums, sha)
		if want.CRC32 == "" {
			continue
		}
		if m.crc != want.CRC32 {
			crc.Damage = fmt.Sprintf("it is %s, not %s", m.crc, want.CRC32)
		}
		v.Sums = append(v.Sums, crc)
	}
}

// checks notes the sums that a walk compares on its way. A nil one notes nothing.
type checks struct {
	segments map[int]Sum // of compressed ones
	members  []Sum
	entries  int // with sums of their own
}

// stream notes the check of a compressed stream that was read to its end, or to an error. That
// of an error that is not about the check is the error of the walk.
func (c *checks) stream(s *Segment, member string, notes []compress.Note, err error) {
	unseen := compress.IsUnseen(err)
	if c == nil || err != nil && !unseen {
		return
	}
	sum := Sum{Of: cmp.Or(member, fmt.Sprintf("segment %d", s.Index))}
	if compress.HasCheck(s.Codec, notes) {
		sum.Kind = "check of its " + s.Codec + " stream"
	} else {
		sum.Of += ", " + s.Codec
	}
	if unseen {
		sum.Damage = err.Error()
	}
	if member == "" {
		c.segments[s.Index] = sum
	} else {
		c.members = append(c.members, sum)
	}
}

func (c *checks) entry(summed bool) {
	if c != nil && summed {
		c.entries++
	}
}
