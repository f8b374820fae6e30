package source

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// isSparse reports whether a member has holes. It knows GNU's old format and the PAX records
// of GNU tar and bsdtar in the versions 0.0, 0.1 and 1.0
// (https://www.gnu.org/software/tar/manual/html_section/Sparse-Formats.html). Other formats
// are errors, because archive/tar would take them for plain content.
func isSparse(h *tar.Header) (bool, error) {
	if h.Typeflag == tar.TypeGNUSparse {
		return true, nil
	}
	record := func(key string) string { return h.PAXRecords["GNU.sparse."+key] }
	sparse := false
	for key := range h.PAXRecords {
		sparse = sparse || strings.HasPrefix(key, "GNU.sparse.")
		if key == "SCHILY.realsize" || key == "SUN.holesdata" {
			return false, errors.New("a sparse file in a format of star or Solaris: pack it as a plain one")
		}
	}
	switch version := record("major") + "." + record("minor"); {
	case !sparse:
	case version == "0.0" || version == "0.1" || version == "1.0":
	case version != ".":
		return false, fmt.Errorf("a sparse file of the unknown format %q: pack it as a plain one", version)
	case record("map") == "":
		return false, errors.New("a sparse file without a map of its content")
	}
	return sparse, nil
}

// expander holds the expanded sparse files of an archive in one nameless file, which is sparse
// itself.
type expander struct {
	file *os.File
	end  int64
	most int64 // largest sum of their sizes: holes take no space in a tarball
	over error // returned beyond
	buf  []byte
}

// expand adds the file of size bytes at the position of tr. It returns the file's data and the
// number of its bytes in holes.
func (x *expander) expand(ctx context.Context, tr *tar.Reader, size int64) (data plan.Data, holes int64, err error) {
	if x.file == nil {
		x.buf = make([]byte, 64<<10)
		if x.file, err = nameless(); err != nil {
			return data, 0, err
		}
	}
	if size > x.most-x.end {
		return data, 0, x.over
	}
	data = plan.Data{At: x.file, Offset: x.end}
	for done := int64(0); done < size; {
		if ctx.Err() != nil {
			return data, 0, context.Cause(ctx)
		}
		piece := x.buf[:min(int64(len(x.buf)), size-done)]
		if _, err := io.ReadFull(tr, piece); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return data, 0, fmt.Errorf("a sparse file: %w", err)
		}
		if !nonzero(piece) {
			holes += int64(len(piece))
		} else if _, err := x.file.WriteAt(piece, x.end+done); err != nil {
			return data, 0, spoolError(err)
		}
		done += int64(len(piece))
	}
	x.end += size
	if err := x.file.Truncate(x.end); err != nil { // the file may end with a hole
		return data, 0, spoolError(err)
	}
	return data, holes, nil
}

func (x *expander) Close() error {
	if x.file == nil {
		return nil
	}
	return x.file.Close()
}
