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

// memberType returns the type of a member. It maps the several codes for files and for
// directories to one each. In the oldest format a directory is a file with a slash at the end
// of its name.
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

// addGlobal adds the records of a global header. They apply to all later members that have no
// record of their own.
func (r *tarStream) addGlobal(h *tar.Header) error {
	for key, value := range h.PAXRecords {
		if key == "path" || key == "linkpath" || key == "size" || strings.HasPrefix(key, "GNU.sparse.") {
			return fmt.Errorf("a global header gives all members one %s", key)
		}
		r.text += len(key) + len(value) - len(r.global[key])
		r.global[key] = value
	}
	return r.full()
}

// applyGlobal applies the records of the global headers to a member. archive/tar does not apply
// them.
func (r *tarStream) applyGlobal(h *tar.Header) error {
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

// cleanName returns name relative to the archive's top, "." for the top itself. Archives hold
// "x", "./x", "x/" and "/x". A name with ".." is an error, because it could lead out of the
// root.
func cleanName(name string) (string, error) {
	if slices.Contains(strings.Split(name, "/"), "..") {
		return "", errors.New(`".." in the name`)
	}
	return path.Clean(strings.TrimLeft(name, "/")), nil
}

// fits reports whether n is an unsigned 32-bit number, as cpio stores them.
func fits(n int64) bool { return n >= 0 && n <= math.MaxUint32 }
