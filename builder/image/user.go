//go:build linux

package image

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// User is the user of a process, and the ids that exist in its user namespace. It decides
// which attributes of an entry an [Extraction] keeps:
//
//   - For any user but root everything is the user's own, without the setuid and setgid bits
//     that were meant for others.
//   - For root in a user namespace, owners without an id there become root.
//   - Only root outside of user namespaces makes device nodes.
type User struct {
	uid, gid   uint32
	uids, gids idMap
}

// CurrentUser returns the user of this process. It reads /proc/self.
func CurrentUser() (*User, error) {
	uids, err := readIDMap("/proc/self/uid_map")
	if err != nil {
		return nil, err
	}
	gids, err := readIDMap("/proc/self/gid_map")
	if err != nil {
		return nil, err
	}
	return &User{uint32(os.Geteuid()), uint32(os.Getegid()), uids, gids}, nil
}

// Exact reports whether the user is root outside of user namespaces, who can make every entry
// exactly as in the image.
func (u *User) Exact() bool { return u.uid == 0 && u.uids.whole() }

// Has reports whether the ids exist in the user's namespace.
func (u *User) Has(uid uint32, gids []uint32) bool {
	return u.uids.has(uid) && !slices.ContainsFunc(gids, func(id uint32) bool { return !u.gids.has(id) })
}

// own gives an entry the owner and mode that the user can set. It reports whether the entry
// has gone to root because its owner has no id.
func (u *User) own(h *cpio.Header) (squashed bool) {
	if u.uid != 0 {
		if h.UID != u.uid {
			h.Mode &^= 0o4000
		}
		if h.GID != u.gid {
			h.Mode &^= 0o2000
		}
		h.UID, h.GID = u.uid, u.gid
		return false
	}
	if !u.uids.has(h.UID) {
		h.UID, squashed = 0, true
	}
	if !u.gids.has(h.GID) {
		h.GID, squashed = 0, true
	}
	return squashed
}

// idMap lists the ids of a user namespace.
type idMap []idRange

// idRange maps count ids from inside on to the ids from outside on in the parent namespace.
type idRange struct{ inside, outside, count uint64 }

// everyID is the map of the first user namespace: every id is itself.
var everyID = idRange{0, 0, math.MaxUint32}

// readIDMap reads a map of this process. A kernel without user namespaces has no such file.
func readIDMap(file string) (idMap, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return idMap{everyID}, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := parseIDMap(string(text))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return m, nil
}

// parseIDMap parses /proc/self/uid_map or gid_map, user_namespaces(7).
func parseIDMap(text string) (idMap, error) {
	var m idMap
	for line := range strings.Lines(text) {
		var r idRange
		if _, err := fmt.Sscan(line, &r.inside, &r.outside, &r.count); err != nil {
			return nil, fmt.Errorf("line %q: %w", strings.TrimSpace(line), err)
		}
		m = append(m, r)
	}
	return m, nil
}

func (m idMap) has(id uint32) bool {
	for _, r := range m {
		if uint64(id) >= r.inside && uint64(id)-r.inside < r.count {
			return true
		}
	}
	return false
}

func (m idMap) whole() bool { return len(m) == 1 && m[0] == everyID }
