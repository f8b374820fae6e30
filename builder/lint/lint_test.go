package lint

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// TestMisfitIsToldOnce checks that a file for another machine is reported once. The rule for
// the program reports it if it is the only one. Otherwise it is listed with the others.
func TestMisfitIsToldOnce(t *testing.T) {
	const started = "m:1:1: init.exec: /init is a program for amd64, the image is for arm64"
	for _, test := range []struct {
		more []string
		want []string
	}{
		{nil, []string{started}},
		{[]string{"/bin/x"}, []string{started, "m:2:2: 2 files are for other machines, the image is for arm64: /bin/x (amd64), /init (amd64)"}},
	} {
		var entries []*plan.Entry
		for _, path := range append([]string{"/init"}, test.more...) {
			content := elfFile("", "")
			entries = append(entries, &plan.Entry{
				Path: path, Mode: plan.TypeFile | 0o755, Origin: "m:2:2",
				Size: int64(len(content)), Data: plan.Data{At: bytes.NewReader(content)},
			})
		}
		root, err := plan.Make(entries, plan.Options{RootMode: 0o755})
		if err != nil {
			t.Fatal(err)
		}
		got, foreign := Check(Planned(root), Options{Arch: "arm64", Exec: "/init", ExecOrigin: "m:1:1"})
		foreign.Open(root)
		got = append(got, foreign.Findings()...)
		if diff := cmp.Diff(test.want, texts(got)); diff != "" {
			t.Errorf("with %q: warnings (-want +got):\n%s", test.more, diff)
		}
	}
}

// texts returns findings as a build prints them.
func texts(findings []Finding) (all []string) {
	for _, f := range findings {
		all = append(all, f.String())
	}
	return all
}

// TestRules checks the rules for trees that were not made for a machine.
func TestRules(t *testing.T) {
	file := func(path string, size int64) *plan.Entry {
		return &plan.Entry{Path: path, Mode: plan.TypeFile | 0o644, Size: size, Brought: true, Origin: "m:2:2"}
	}
	root, err := plan.Make([]*plan.Entry{
		file("/.dockerenv", 0), file("/etc/hosts", 0), file("/etc/hostname", 9),
		file("/lib/modules/6.1/a.ko", 9), file("/lib/modules/6.6/a.ko.xz", 9), file("/lib/modules/6.6/modules.dep", 9),
	}, plan.Options{RootMode: 0o755})
	if err != nil {
		t.Fatal(err)
	}
	got, _ := Check(Planned(root), Options{Arch: "amd64"})
	want := []string{
		"m:2:2: no modules.dep in /lib/modules/6.1: modprobe finds no module there\n  depmod -b ROOT 6.1 makes it, where ROOT is the directory that becomes /",
		"m:2:2: left over from a container: /.dockerenv, /etc/hosts (empty)\n  remove: [\"/.dockerenv\", \"/etc/hosts\"]",
	}
	if diff := cmp.Diff(want, texts(got)); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}
