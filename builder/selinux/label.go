package selinux

import (
	"errors"
	"maps"
	"strconv"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// Options select the policy of a root.
type Options struct {
	Origin       string // place of the request in the manifest: "root.yaml:3:1"
	Type         string // name of the policy, "" for the one in the root's configuration
	FileContexts string // file of the host with the rules, "" for the root's file
	Bind         bool   // the root is rootfs itself

	Host func(path string) ([]byte, error) // reads a file of the host
	Root func(path string) ([]byte, error) // reads a file of the root, through its links
	Warn func(text string)                 // called with likely mistakes
}

// Label gives every entry of a finished plan its label by the policy, unless the entry already
// has one. It returns the policy that the stub has to load for the labels, or nil. A file with
// several names gets the label of its first name. Errors have the type [plan.Errors].
func Label(entries []*plan.Entry, o Options) (policy *plan.Entry, err error) {
	mode, name := config(o.Root)
	if o.Type != "" {
		name = o.Type
	}
	if name == "" && o.FileContexts == "" {
		return nil, plan.Errors{{Origin: o.Origin, Path: "selinux", Msg: "which policy?", Hint: "give type, or file_contexts, or SELINUXTYPE= in the root's " + selinuxDir + "config"}}
	}
	dir := selinuxDir + name
	file, read := o.FileContexts, o.Host
	if file == "" {
		file, read = dir+"/contexts/files/file_contexts", o.Root
	}
	contexts, err := Read(file, read)
	if err != nil {
		return nil, problems(o.Origin, err)
	}
	setLabels(entries, contexts)
	if name == "" || mode == "disabled" {
		return nil, nil
	}
	if policy = newestPolicy(entries, dir+"/policy"); policy == nil {
		o.Warn(o.Origin + ": selinux: no " + dir + "/policy/policy.N in the root: labels are lost when a policy is loaded")
	}
	if mode == "enforcing" && o.Bind {
		o.Warn(o.Origin + ": selinux: once enforced, most policies let no file be made on rootfs, which root.type bind leaves in place: take tmpfs")
	}
	return policy, nil
}

// problems returns an error of reading rules, with its place in the manifest.
func problems(origin string, err error) error {
	var lines Errors
	if !errors.As(err, &lines) {
		return plan.Errors{{Origin: origin, Path: "selinux", Msg: err.Error(), Cause: err}}
	}
	var all plan.Errors
	for _, e := range lines {
		all = append(all, &plan.Error{Origin: origin, Path: "selinux", Msg: e.Error(), Cause: e})
	}
	return all
}

// setLabels labels the entries. Entries with the same label and no other attributes share one
// plan.Xattrs.
func setLabels(entries []*plan.Entry, contexts *Contexts) {
	labels := map[string]plan.Xattrs{}
	for _, e := range entries {
		if e.First != nil {
			e.Xattrs = e.First.Xattrs
			continue
		}
		label, ok := contexts.Lookup(e.Path, e.Mode)
		if _, has := e.Xattrs[Attribute]; ok && !has {
			if labels[label] == nil {
				labels[label] = plan.Xattrs{Attribute: label + "\x00"} // as libselinux stores it
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

// config returns SELINUX and SELINUXTYPE of the root's configuration.
func config(read func(string) ([]byte, error)) (mode, name string) {
	text, _ := read(selinuxDir + "config")
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

// newestPolicy returns the policy.N in a directory with the largest N, or nil. It returns the
// file that a link leads to, because the stub reads the policy from outside the root, where
// links lead elsewhere.
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
