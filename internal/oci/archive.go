package oci

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"github.com/mkinitfs/mkinitfs/internal/follow"
)

// Archive has the members of a plain tar archive as [Files].
type Archive struct {
	file    *os.File
	members map[string]member
}

// member is a member of an archive.
type member struct {
	offset, size int64
	link         string // the target of a link, hard or symbolic
	fault        string // why it cannot be read, or ""
}

// ErrMany is the error for an archive of too many members.
var ErrMany = errors.New("too many members")

// ReadArchive reads the headers of an archive of at most most members. It stops with the error
// of stop.
func ReadArchive(f *os.File, most int64, stop func() error) (*Archive, error) {
	a := &Archive{f, map[string]member{}}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	r := tar.NewReader(f)
	for n := int64(1); ; n++ {
		h, err := r.Next()
		switch {
		case err == io.EOF:
			return a, nil
		case err == io.ErrUnexpectedEOF:
			return nil, fmt.Errorf("%w: cut short", err)
		case err != nil:
			at, _ := f.Seek(0, io.SeekCurrent)
			return nil, fmt.Errorf("before byte %d: %w", at, err)
		case n > most:
			return nil, ErrMany
		case len(h.Name) >= syscall.PathMax || len(h.Linkname) >= syscall.PathMax:
			return nil, fmt.Errorf("member %.100q: a path of more than %d bytes", h.Name, syscall.PathMax-1)
		}
		if err := stop(); err != nil {
			return nil, err
		}
		at, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, err
		}
		a.members[clean(h.Name)] = memberOf(h, at, info.Size()-at)
	}
}

// memberOf returns the member with the header h. left bytes of the archive follow it.
func memberOf(h *tar.Header, at, left int64) member {
	m := member{offset: at, size: h.Size}
	sparse := h.Typeflag == tar.TypeGNUSparse
	for key := range h.PAXRecords {
		sparse = sparse || strings.HasPrefix(key, "GNU.sparse.")
	}
	switch {
	case sparse:
		m.fault = "a sparse file in the archive: pack it as a plain one"
	case h.Typeflag == tar.TypeLink:
		m.link = "/" + clean(h.Linkname)
	case h.Typeflag == tar.TypeSymlink: // docker save has one layer of several images once
		m.link = h.Linkname
	case h.Typeflag != tar.TypeReg:
		m.fault = "not a regular file"
	case h.Size > left:
		m.fault = fmt.Sprintf("cut short, the archive has %d of %d bytes", left, h.Size)
	}
	return m
}

// clean returns the name of a member without "..", "./" or a slash at its start.
func clean(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

// Open returns a member.
func (a *Archive) Open(name string) (*io.SectionReader, error) {
	place, err := follow.Walk(name, func(place string, _ bool) (string, bool, error) {
		m := a.members[place[1:]]
		return m.link, m.link != "", nil
	})
	if err != nil {
		return nil, err
	}
	m, ok := a.members[place[1:]]
	switch {
	case !ok:
		return nil, fs.ErrNotExist
	case m.fault != "":
		return nil, errors.New(m.fault)
	}
	return io.NewSectionReader(a.file, m.offset, m.size), nil
}

// ReadFile returns the content of a member.
func (a *Archive) ReadFile(name string, most int64) ([]byte, error) {
	f, err := a.Open(name)
	if err != nil {
		return nil, err
	}
	return ReadAll(f, most)
}

// ReadAll returns the content of f, at most most bytes.
func ReadAll(f *io.SectionReader, most int64) ([]byte, error) {
	if f.Size() > most {
		return nil, fmt.Errorf("%d bytes, where %d are the most", f.Size(), most)
	}
	return io.ReadAll(f)
}
