//go:build linux

package container

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// switches are the settings that forbid user namespaces to ordinary users, each with a value
// that forbids them and one that allows them.
var switches = []struct{ name, off, on string }{
	{"user.max_user_namespaces", "0", "10000"},
	{"kernel.unprivileged_userns_clone", "0", "1"},             // Debian
	{"kernel.apparmor_restrict_unprivileged_userns", "1", "0"}, // Ubuntu
}

// notAllowed adds the settings of the machine that explain an error.
func notAllowed(err error) error {
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOSYS) {
		return fmt.Errorf("%w\n  this kernel lacks one of the namespaces user, mount, PID, IPC, UTS and cgroup", err)
	}
	for _, s := range switches {
		text, readErr := os.ReadFile("/proc/sys/" + strings.ReplaceAll(s.name, ".", "/"))
		if readErr == nil && strings.TrimSpace(string(text)) == s.off {
			return fmt.Errorf("%w\n  user namespaces are off on this machine (sysctl %s=%s): root turns them on with\n"+
				"  \"sysctl %s=%s\", or runs this command", err, s.name, s.off, s.name, s.on)
		}
	}
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		return fmt.Errorf("%w\n  something keeps this user from making namespaces: a container or sandbox around it does, as a rule", err)
	}
	return err
}
