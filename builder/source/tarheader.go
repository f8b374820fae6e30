package source

import (
	"archive/tar"
	"errors"
	"fmt"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

// memberType returns the type of a member: of the several codes for files and for
// directories, one each. Before directories had a code, they had a slash at the end.
func memberType(h *tar.Header) byte {
	switch h.Typeflag {
	case typeDumpDir:
		return tar.TypeDir
	case tar.TypeReg, tar.TypeCont, tar.TypeGNUSparse:
		if strings.HasSuffix(h.Name, "/") {
			return tar.TypeDir
		}
		return tar.TypeReg
	}
	return h.Typeflag
}

// addGlobal takes the records of a global header. They are for all members after it that
// have none of their own.
func (r *tarReader) addGlobal(h *tar.Header) error {
	for key, value := range h.PAXRecords {
		if key == "path" || key == "linkpath" || key == "size" || strings.HasPrefix(key, "GNU.sparse.") {
			return fmt.Errorf("a global header gives all members one %s", key)
		}
		r.text += len(key) + len(value) - len(r.global[key])
		r.global[key] = value
	}
	return r.full()
}

// applyGlobal gives a member what the global headers say; archive/tar leaves that to us.
func (r *tarReader) applyGlobal(h *tar.Header) error {
	for key, value := range r.global {
		if _, own := h.PAXRecords[key]; own {
			continue
		}
		var err error
		switch {
		case key == "uid":
			h.Uid, err = strconv.Atoi(value)
		case key == "gid":
			h.Gid, err = strconv.Atoi(value)
		case key == "mtime":
			var seconds float64
			seconds, err = strconv.ParseFloat(value, 64)
			h.ModTime = time.Unix(int64(math.Floor(min(max(seconds, -1), 1<<33))), 0)
		case strings.HasPrefix(key, "SCHILY.xattr."):
			if h.PAXRecords == nil {
				h.PAXRecords = map[string]string{}
			}
			h.PAXRecords[key] = value
		}
		if err != nil {
			return fmt.Errorf("a global header: %s=%q: %w", key, value, errors.Unwrap(err))
		}
	}
	return nil
}

// cleanName returns name relative to the archive's top, "." for the top itself. Archives
// hold "x", "./x", "x/" and "/x". A name with ".." is an error, since it could lead out of
// the root.
func cleanName(name string) (string, error) {
	if slices.Contains(strings.Split(name, "/"), "..") {
		return "", errors.New(`".." in the name`)
	}
	return path.Clean(strings.TrimLeft(name, "/")), nil
}

// fits reports whether n is a 32-bit number, as cpio has them.
func fits(n int64) bool { return n >= 0 && n <= math.MaxUint32 }
