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
)

// idRange maps count ids from inside on to those from outside on.
type idRange struct{ inside, outside, count uint64 }

// ranges are the ids of a user namespace.
type ranges struct{ uids, gids []idRange }

// errMapping means that newuidmap or newgidmap refused.
var errMapping = errors.New("ids of /etc/subuid cannot be used")

// subordinate returns the ids that the system grants the caller beside its own, nil if there
// are none or if the programs that map them are missing.
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
