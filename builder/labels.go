package builder

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"strconv"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/lint"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/builder/selinux"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// label gives every entry the label that the policy has for it, unless it came with one. It
// returns the policy that the stub has to load for that, or nil. A file with several names gets
// the label of the first.
func label(entries []*plan.Entry, m *manifests.Manifest, n *notes) (policy *plan.Entry, err error) {
	s := m.SELinux
	if s == nil {
		return nil, nil
	}
	mode, name := selinuxConfig(entries)
	if s.Type != "" {
		name = s.Type
	}
	if name == "" && s.FileContexts == "" {
		return nil, manifests.Errors{{Pos: s.Pos, Msg: "selinux: which policy?", Hint: "give type, or file_contexts, or SELINUXTYPE= in the root's " + selinuxDir + "config"}}
	}
	dir := selinuxDir + name
	file, read := s.FileContexts, n.read
	if file == "" {
		file, read = dir+"/contexts/files/file_contexts", lint.Planned(entries).Read
	}
	contexts, err := selinux.Read(file, read)
	var lines selinux.Errors
	if errors.As(err, &lines) {
		var bad manifests.Errors
		for _, e := range lines {
			bad = append(bad, &manifests.Error{Pos: s.Pos, Msg: "selinux: " + e.Error()})
		}
		return nil, bad
	}
	if err != nil {
		return nil, atPos(s.Pos, fmt.Errorf("selinux: %w", err))
	}
	setLabels(entries, contexts)
	if name == "" || mode == "disabled" {
		return nil, nil
	}
	warn := func(msg string) {
		n.warn(fmt.Sprintf("%s: selinux: %s", s.Pos, msg))
	}
	if policy = newestPolicy(entries, dir+"/policy"); policy == nil {
		warn("no " + dir + "/policy/policy.N in the root: labels are lost when a policy is loaded")
	}
	if mode == "enforcing" && m.Root.Type == manifests.Bind {
		warn("once enforced, most policies let no file be made on rootfs, which root.type bind leaves in place: take tmpfs")
	}
	return policy, nil
}

// setLabels labels the entries. Those that have nothing else share their attributes.
func setLabels(entries []*plan.Entry, contexts *selinux.Contexts) {
	labels := map[string]plan.Xattrs{}
	for _, e := range entries {
		if e.First != nil {
			e.Xattrs = e.First.Xattrs
			continue
		}
		label, ok := contexts.Lookup(e.Path, e.Mode)
		if _, has := e.Xattrs[selinux.Attribute]; ok && !has {
			if labels[label] == nil {
				labels[label] = plan.Xattrs{selinux.Attribute: label + "\x00"} // as libselinux stores it
			}
			if len(e.Xattrs) == 0 {
				e.Xattrs = labels[label]
			} else {
				e.Xattrs = maps.Clone(e.Xattrs)
				maps.Copy(e.Xattrs, labels[label])
			}
		}
	}
}

const selinuxDir = "/etc/selinux/"

// selinuxConfig returns SELINUX and SELINUXTYPE of the root's configuration.
func selinuxConfig(entries []*plan.Entry) (mode, name string) {
	text, _ := lint.Planned(entries).Read(selinuxDir + "config")
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "SELINUX":
			mode = strings.TrimSpace(value)
		case "SELINUXTYPE":
			name = strings.TrimSpace(value)
		}
	}
	return mode, name
}

// newestPolicy returns the policy.N in a directory with the largest N, or nil. The stub
// reads it from outside the root, where links lead elsewhere.
func newestPolicy(entries []*plan.Entry, dir string) (policy *plan.Entry) {
	newest := 0
	for _, e := range entries {
		text, ok := strings.CutPrefix(e.Path, dir+"/policy.")
		if n, err := strconv.Atoi(text); ok && err == nil && n > newest {
			if e := plan.Find(entries, e.Path); e != nil && e.IsFile() {
				newest, policy = n, e
			}
		}
	}
	return policy
}

// read reads a file of the host.
func (n *notes) read(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err == nil {
		n.input(path)
	}
	return text, err
}
