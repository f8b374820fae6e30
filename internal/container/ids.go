//go:build linux

package container

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// idRange maps count ids from inside on to those from outside on.
type idRange struct{ inside, outside, count uint64 }

// ranges are the ids of a user namespace.
type ranges struct{ uids, gids []idRange }

// errMapping means that newuidmap or newgidmap has refused.
var errMapping = errors.New("ids of /etc/subuid cannot be used")

// subordinate returns the ids that the system lets the caller have beside its own,
// nil if there are none or no program that hands them out.
func subordinate() (*ranges, error) {
	for _, tool := range []string{"newuidmap", "newgidmap"} {
		if _, err := exec.LookPath(tool); err != nil {
			return nil, nil
		}
	}
	uid := strconv.Itoa(os.Geteuid())
	name := uid
	if u, err := user.LookupId(uid); err == nil {
		name = u.Username
	}
	uids, err := readSubordinate("/etc/subuid", name, uid, uint64(os.Geteuid()))
	if err != nil || uids == nil {
		return nil, err
	}
	gids, err := readSubordinate("/etc/subgid", name, uid, uint64(os.Getegid()))
	if err != nil || gids == nil {
		return nil, err
	}
	return &ranges{uids, gids}, nil
}

func readSubordinate(file, name, uid string, own uint64) ([]idRange, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	found, err := parseSubordinate(string(text), name, uid, own)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return found, nil
}

// parseSubordinate reads subuid(5): lines of user, first id and count. 0 is mapped
// to the caller's own id and the ids from 1 on to what the lines grant, nil if none
// is for the user.
func parseSubordinate(text, name, uid string, own uint64) ([]idRange, error) {
	found := []idRange{{0, own, 1}}
	next := uint64(1)
	for line := range strings.Lines(text) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if fields[0] != name && fields[0] != uid {
			continue
		}
		if len(fields) != 3 {
			return nil, fmt.Errorf("line %q: want user:first:count", strings.TrimSpace(line))
		}
		first, err1 := strconv.ParseUint(fields[1], 10, 32)
		count, err2 := strconv.ParseUint(fields[2], 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, fmt.Errorf("line %q: %w", strings.TrimSpace(line), err)
		}
		if count > 0 {
			found = append(found, idRange{next, first, count})
			next += count
		}
	}
	if len(found) == 1 {
		return nil, nil
	}
	return found, nil
}

// mapOnto gives the user namespace of a process its ids.
func (r *ranges) mapOnto(pid int) error {
	for tool, ids := range map[string][]idRange{"newuidmap": r.uids, "newgidmap": r.gids} {
		args := []string{strconv.Itoa(pid)}
		for _, id := range ids {
			args = append(args, fmt.Sprint(id.inside), fmt.Sprint(id.outside), fmt.Sprint(id.count))
		}
		if out, err := exec.Command(tool, args...).CombinedOutput(); err != nil {
			return fmt.Errorf("%w: %s: %w: %s", errMapping, tool, err, strings.TrimSpace(string(out)))
		}
	}
	return nil
}

// idMap are the ids that there are in this process's user namespace.
type idMap []idRange

// parseIDMap reads /proc/self/uid_map or gid_map, user_namespaces(7).
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

func readIDMap(file string) (idMap, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	m, err := parseIDMap(string(text))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return m, nil
}

// IDs are the owners that there are in a user namespace.
type IDs struct{ uids, gids idMap }

// OwnIDs returns those of this process's user namespace.
func OwnIDs() (*IDs, error) {
	uids, err := readIDMap("/proc/self/uid_map")
	if err != nil {
		return nil, err
	}
	gids, err := readIDMap("/proc/self/gid_map")
	return &IDs{uids, gids}, err
}

// Squash gives an entry whose owners there are no ids for to root, and reports
// whether it has.
func (ids *IDs) Squash(h *cpio.Header) bool {
	uid, gid := ids.uids.has(h.UID), ids.gids.has(h.GID)
	if !uid {
		h.UID = 0
	}
	if !gid {
		h.GID = 0
	}
	return !uid || !gid
}

// Whole reports whether this is the first user namespace, where every id is itself
// and root may do everything.
func (ids *IDs) Whole() bool { return ids.uids.whole() }

// has reports whether there is such an id.
func (m idMap) has(id uint32) bool {
	for _, r := range m {
		if uint64(id) >= r.inside && uint64(id)-r.inside < r.count {
			return true
		}
	}
	return false
}

// whole reports whether every id is itself.
func (m idMap) whole() bool {
	return len(m) == 1 && m[0] == idRange{0, 0, 1<<32 - 1}
}
