package image

import (
	"bytes"
	"io"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// unpacker reads an archive as the kernel unpacks it (init/initramfs.c). It ends behind the
// trailer or, without one, where neither an entry nor zeros follow. An entry that the kernel
// skips is a finding and is not returned.
type unpacker struct {
	r      *skipReader
	raw    bool                 // not in a compressed stream
	base   int64                // where the archive begins: in the image if it is raw, else in the stream
	report func(*rule, Finding) // adds a finding

	h       cpio.Header
	target  string // of a symbolic link, which has no body left to read
	offset  int64
	head    int64 // where the entry begins
	end     int64 // where the next one may begin
	left    int64 // bytes of the body that have not been read
	summed  bool  // the body's sum is checked
	want    uint32
	sum     uint32
	trailed bool // the archive ended with a trailer
}

// Offset implements entryReader.
func (u *unpacker) Offset() int64 { return u.offset }

// Next implements entryReader.
func (u *unpacker) Next() (*cpio.Header, error) {
	for {
		if err := u.finish(); err != nil {
			return nil, err
		}
		if err := u.start(); err != nil {
			return nil, err
		}
		f, err := u.fields()
		if err != nil {
			return nil, err
		}
		made, err := u.entry(&f)
		switch {
		case err != nil:
			return nil, err
		case u.trailed:
			return nil, io.EOF
		case made:
			return &u.h, nil
		}
	}
}

// finish passes over the rest of an entry.
func (u *unpacker) finish() error {
	if u.summed {
		if _, err := u.WriteTo(io.Discard); err != nil {
			return err
		}
		if u.summed && u.sum != u.want { // where a raw archive is cut, the kernel does not look
			return u.fault("bad data checksum")
		}
		u.summed = false
	}
	body := u.offset + u.left
	err := u.discard(u.end - u.offset)
	switch {
	case err == nil:
		u.left = 0
		return nil
	case err == io.EOF && u.raw && u.offset >= body:
		return u.short()
	}
	return u.ended(err, bodyCut, u.h.Name)
}

// start skips zeros up to the next entry.
func (u *unpacker) start() error {
	b, err := u.r.Peek(1)
	if err == nil && b[0] == 0 {
		var zeros int64
		zeros, err = skipZeros(u.r)
		u.offset += zeros
		b, _ = u.r.Peek(1)
	}
	switch {
	case err != nil:
		return err
	case (u.base+u.offset)%4 != 0:
		return u.fault("broken padding: the next archive does not begin at a multiple of 4")
	case b[0] != '0':
		return io.EOF
	}
	u.head, u.end = u.offset, u.offset
	return nil
}

// fields reads the fixed part of an entry.
func (u *unpacker) fields() (cpio.Fields, error) {
	b, err := u.r.Peek(cpio.HeaderSize)
	if err != nil {
		return cpio.Fields{}, u.ended(err, headerCut, "")
	}
	f, msg := cpio.ParseFields(b)
	if msg == "" {
		return f, u.discard(cpio.HeaderSize)
	}
	if what := formatOf(b); what != "" {
		msg = what
	}
	return f, u.fault(msg)
}

// entry reads the name of an entry, and the target of a symbolic link. It reports whether the
// kernel keeps the entry.
func (u *unpacker) entry(f *cpio.Fields) (bool, error) {
	u.h, u.target = f.Header, ""
	nameField := pad4(cpio.HeaderSize+int64(f.NameSize)) - cpio.HeaderSize
	body := u.head + cpio.HeaderSize + nameField
	u.end = pad4(body + f.Size)
	kind := f.Type()
	var skip *rule
	switch {
	case f.NameSize == 0:
		skip = nameEmpty
	case f.NameSize > cpio.PathMax:
		skip = nameTooLong
	case kind == cpio.TypeLink && f.Size > cpio.PathMax:
		skip = targetLong
	case kind != cpio.TypeLink && kind != cpio.TypeFile && f.Size > 0:
		skip = strayBody
	}
	if skip != nil {
		b, _ := u.r.Peek(int(min(int64(f.NameSize), cpio.PathMax)))
		name, _, _ := bytes.Cut(b, []byte{0})
		u.h.Name = string(name)
		return u.skip(skip)
	}
	length := int(nameField)
	if kind == cpio.TypeLink {
		length += int(f.Size)
	}
	b, err := u.r.Peek(length)
	if err != nil {
		return false, u.ended(err, headerCut, "")
	}
	name := b[:f.NameSize]
	if name[len(name)-1] != 0 {
		return false, u.fault("malformed archive: a name does not end with a NUL")
	}
	u.h.Name = string(name[:bytes.IndexByte(name, 0)])
	if kind == cpio.TypeLink {
		target := b[nameField:]
		if i := bytes.IndexByte(target, 0); i >= 0 {
			target = target[:i]
		}
		u.target, u.h.Size = string(target), int64(len(target))
	}
	if err := u.discard(int64(len(b))); err != nil {
		return false, err
	}
	if u.h.Name == cpio.Trailer && kind != cpio.TypeLink {
		u.trailed = true
		err := u.discard(u.end - u.offset)
		if err == io.EOF && u.raw {
			u.short()
			return false, nil
		}
		return false, u.ended(err, headerCut, "")
	}
	if kind == cpio.TypeFile {
		u.left = f.Size
		u.summed, u.want, u.sum = f.Summed, f.Sum, 0
	}
	switch {
	case u.h.Name == "" && kind == cpio.TypeFile:
		return u.skip(nameEmpty)
	case tooLong(u.h.Name):
		return u.skip(nameTooLong)
	}
	return true, nil
}

// skip reports an entry that the kernel skips.
func (u *unpacker) skip(r *rule) (bool, error) {
	u.summed, u.left = false, 0
	u.report(r, Finding{Path: u.h.Name, Offset: u.base + u.head})
	return false, nil
}

func tooLong(name string) bool {
	if len(name) <= cpio.NameMax {
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if len(part) > cpio.NameMax {
			return true
		}
	}
	return false
}

// Read implements entryReader.
func (u *unpacker) Read(p []byte) (int, error) {
	if u.left == 0 {
		return 0, io.EOF
	}
	n, err := u.r.Read(p[:min(int64(len(p)), u.left)])
	u.took(p[:n])
	return n, u.ended(err, bodyCut, u.h.Name)
}

// WriteTo implements entryReader: it writes straight from the buffer.
func (u *unpacker) WriteTo(w io.Writer) (int64, error) {
	var n int64
	for u.left > 0 {
		b, err := u.r.Peek(int(min(int64(u.r.Size()), u.left)))
		if len(b) == 0 {
			if err = u.ended(err, bodyCut, u.h.Name); err == io.EOF {
				err = nil
			}
			return n, err
		}
		m, err := w.Write(b)
		n += int64(m)
		u.took(b[:m])
		if err != nil {
			return n, err
		}
		if _, err := u.r.Discard(m); err != nil {
			return n, err
		}
	}
	return n, nil
}

// took counts bytes of the body.
func (u *unpacker) took(p []byte) {
	u.offset += int64(len(p))
	u.left -= int64(len(p))
	if u.summed {
		for _, c := range p {
			u.sum += uint32(c)
		}
	}
}

// discard passes over n bytes, and returns io.EOF if there are fewer.
func (u *unpacker) discard(n int64) error {
	for n > 0 {
		m, err := u.r.Discard(int(min(n, 1<<30)))
		u.offset += int64(m)
		n -= int64(m)
		if err != nil {
			return err
		}
	}
	return nil
}

// short ends a raw archive behind the body of an entry. Less than 4 bytes are missing
// padding; more are a part of an entry that is skipped.
func (u *unpacker) short() error {
	if u.end-u.offset >= 4 {
		u.report(headerCut, Finding{Offset: u.base + u.head})
	}
	u.end = u.offset
	return io.EOF
}

// ended returns an error within an entry. If a raw archive ends there, the kernel keeps what
// it has and says nothing. Then the error is io.EOF, with a finding.
func (u *unpacker) ended(err error, r *rule, name string) error {
	if err != io.EOF {
		return err
	}
	u.left, u.summed, u.end = 0, false, u.offset
	if !u.raw {
		return u.fault(cpio.Cut)
	}
	u.report(r, Finding{Path: name, Offset: u.base + u.head})
	n, err := io.Copy(io.Discard, u.r)
	u.offset += n
	u.end = u.offset
	if err != nil {
		return err
	}
	return io.EOF
}

func (u *unpacker) fault(msg string) error { return &cpio.Error{Offset: u.offset, Msg: msg} }
