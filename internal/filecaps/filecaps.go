// Package filecaps reads and writes the capabilities that a file gives to the
// process that executes it, see capabilities(7): as the text of cap_from_text(3),
// and as the value of the extended attribute security.capability.
package filecaps

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"strconv"
	"strings"

	"github.com/mkinitfs/mkinitfs/internal/xattr"
)

// Xattr is the extended attribute that holds them.
const Xattr = xattr.Capability

// names are the capabilities by their numbers, from include/uapi/linux/capability.h.
var names = [...]string{
	"cap_chown", "cap_dac_override", "cap_dac_read_search", "cap_fowner", "cap_fsetid", "cap_kill", "cap_setgid",
	"cap_setuid", "cap_setpcap", "cap_linux_immutable", "cap_net_bind_service", "cap_net_broadcast", "cap_net_admin",
	"cap_net_raw", "cap_ipc_lock", "cap_ipc_owner", "cap_sys_module", "cap_sys_rawio", "cap_sys_chroot",
	"cap_sys_ptrace", "cap_sys_pacct", "cap_sys_admin", "cap_sys_boot", "cap_sys_nice", "cap_sys_resource",
	"cap_sys_time", "cap_sys_tty_config", "cap_mknod", "cap_lease", "cap_audit_write", "cap_audit_control",
	"cap_setfcap", "cap_mac_override", "cap_mac_admin", "cap_syslog", "cap_wake_alarm", "cap_block_suspend",
	"cap_audit_read", "cap_perfmon", "cap_bpf", "cap_checkpoint_restore",
}

const all = 1<<len(names) - 1

// Names returns the names of all capabilities.
func Names() []string { return names[:] }

// Sets are the capability sets of a file, with a bit for each capability. RootID is
// the user whose namespaces they count in, 0 for everywhere.
type Sets struct {
	Effective, Permitted, Inheritable uint64
	RootID                            uint32
}

// UnknownError is the name of a capability that does not exist.
type UnknownError string

func (e UnknownError) Error() string { return fmt.Sprintf("unknown capability %q", string(e)) }

// Apply changes s as the clauses in text say, such as "cap_net_raw+ep" or
// "cap_chown,cap_fowner=p cap_kill=ip". An error may be an UnknownError.
func (s *Sets) Apply(text string) error {
	clauses := strings.Fields(text)
	if len(clauses) == 0 {
		return errors.New("empty")
	}
	for _, clause := range clauses {
		if err := s.clause(clause); err != nil {
			return err
		}
	}
	return nil
}

func (s *Sets) clause(clause string) error {
	at := strings.IndexAny(clause, "=+-")
	if at < 0 {
		return errors.New("want =, + or - and flags behind the names, as in cap_net_raw+ep")
	}
	list, actions := clause[:at], clause[at:]
	caps, err := parseList(list)
	if err != nil {
		return err
	}
	if list == "" && actions[0] != '=' {
		return fmt.Errorf("want names before %c", actions[0])
	}
	for first := true; actions != ""; first = false {
		op := actions[0]
		flags := actions[1:]
		if end := strings.IndexAny(flags, "=+-"); end >= 0 {
			flags = flags[:end]
		}
		actions = actions[1+len(flags):]
		switch {
		case strings.Trim(flags, "eip") != "":
			return fmt.Errorf("want the flags e, i and p, got %q", flags)
		case op == '=' && !first:
			return errors.New("= can only be the first of a clause")
		case op == '=':
			*s = Sets{s.Effective &^ caps, s.Permitted &^ caps, s.Inheritable &^ caps, s.RootID}
		case flags == "":
			return fmt.Errorf("want flags behind %c", op)
		}
		for _, flag := range flags {
			set := map[rune]*uint64{'e': &s.Effective, 'i': &s.Inheritable, 'p': &s.Permitted}[flag]
			if op == '-' {
				*set &^= caps
			} else {
				*set |= caps
			}
		}
	}
	return nil
}

// parseList reads names with commas between them. An empty list stands for all.
func parseList(list string) (caps uint64, err error) {
	if list == "" {
		return all, nil
	}
	for name := range strings.SplitSeq(strings.ToLower(list), ",") {
		if name == "all" {
			caps |= all
			continue
		}
		i := 0
		for i < len(names) && names[i] != name {
			i++
		}
		if i == len(names) {
			return 0, UnknownError(name)
		}
		caps |= 1 << i
	}
	return caps, nil
}

// The layout of the value: struct vfs_ns_cap_data in the same header. Version 2 is
// version 3 without the user.
const (
	revision2 = 0x02000000
	revision3 = 0x03000000
	effective = 1
	size2     = 5 * 4
	size3     = 6 * 4
)

// Value returns s in the format of security.capability. The kernel has one bit for all
// effective capabilities.
func (s Sets) Value() (string, error) {
	magic := uint32(revision2)
	if s.RootID != 0 {
		magic = revision3
	}
	switch s.Effective {
	case 0:
	case s.Permitted | s.Inheritable:
		magic |= effective
	default:
		return "", errors.New("the flag e is for a whole file: set it on all of its capabilities, together with p or i, or on none")
	}
	b := binary.LittleEndian.AppendUint32(nil, magic)
	for shift := 0; shift < 64; shift += 32 {
		b = binary.LittleEndian.AppendUint32(b, uint32(s.Permitted>>shift))
		b = binary.LittleEndian.AppendUint32(b, uint32(s.Inheritable>>shift))
	}
	if s.RootID != 0 {
		b = binary.LittleEndian.AppendUint32(b, s.RootID)
	}
	return string(b), nil
}

// Decode reads a value of security.capability, of version 2 or 3.
func Decode(value string) (Sets, error) {
	b := []byte(value)
	var s Sets
	if len(b) < 4 {
		return s, errors.New("cut short")
	}
	magic := binary.LittleEndian.Uint32(b)
	switch {
	case magic&^effective == revision2 && len(b) == size2:
	case magic&^effective == revision3 && len(b) == size3:
		s.RootID = binary.LittleEndian.Uint32(b[size2:])
	default:
		return s, fmt.Errorf("unknown form %#x, with %d bytes", magic, len(b))
	}
	word := func(i int) uint64 { return uint64(binary.LittleEndian.Uint32(b[4*i:])) }
	s.Permitted, s.Inheritable = word(1)|word(3)<<32, word(2)|word(4)<<32
	if magic&effective != 0 {
		s.Effective = s.Permitted | s.Inheritable
	}
	return s, nil
}

// String returns s in the text form of cap_from_text(3) and getcap, such as "cap_net_raw=ep".
func (s Sets) String() string {
	byFlags := map[string]uint64{}
	var order []string
	for caps := s.Effective | s.Permitted | s.Inheritable; caps != 0; caps &= caps - 1 {
		bit := caps & -caps
		flags := ""
		for i, set := range []uint64{s.Effective, s.Inheritable, s.Permitted} {
			if set&bit != 0 {
				flags += "eip"[i : i+1]
			}
		}
		if byFlags[flags] == 0 {
			order = append(order, flags)
		}
		byFlags[flags] |= bit
	}
	var clauses []string
	if order == nil {
		clauses = append(clauses, "=")
	}
	for _, flags := range order {
		clauses = append(clauses, list(byFlags[flags])+"="+flags)
	}
	if s.RootID != 0 {
		clauses = append(clauses, fmt.Sprintf("[rootid=%d]", s.RootID))
	}
	return strings.Join(clauses, " ")
}

// list names capabilities, "" for all of them.
func list(caps uint64) string {
	if caps == all {
		return ""
	}
	var list []string
	for ; caps != 0; caps &= caps - 1 {
		i := bits.TrailingZeros64(caps)
		if i < len(names) {
			list = append(list, names[i])
		} else {
			list = append(list, strconv.Itoa(i))
		}
	}
	return strings.Join(list, ",")
}
