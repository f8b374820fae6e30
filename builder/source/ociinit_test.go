package source

import (
	"fmt"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/oci"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// TestFillInit tells what umoci does not put into an image.
func TestFillInit(t *testing.T) {
	sh := []*plan.Entry{{Path: "/srv/bin/sh", Mode: plan.TypeFile | 0o711}, {Path: "/usr/bin", Mode: plan.TypeDir | 0o755}, {Path: "/bin/sh", Mode: plan.TypeLink, Target: "../srv/bin/sh"}}
	path := "PATH=:bin:/bin"
	for name, test := range map[string]struct {
		image oci.Process
		want  string
	}{
		"relative PATH":        {oci.Process{Cmd: []string{"sh"}, Env: []string{path}, WorkingDir: "/srv"}, `/srv/bin/sh [] [` + path + `] /srv`},
		"through a link":       {oci.Process{Cmd: []string{"sh", ""}, Env: []string{path}}, `/bin/sh [""] [` + path + `] `},
		"relative directory":   {oci.Process{Cmd: []string{"bin/sh"}, Env: []string{path}, WorkingDir: "a/../srv/"}, `/srv/bin/sh [] [` + path + `] /srv`},
		"not clean":            {oci.Process{Cmd: []string{"/bin//./sh"}, Env: []string{path}}, `/bin/sh [] [` + path + `] `},
		"twice":                {oci.Process{Cmd: []string{"/bin/sh"}, Env: []string{"A=1", path, "A=2"}}, `/bin/sh [] [A=2 ` + path + `] `},
		"variable, no value":   {oci.Process{Cmd: []string{"/bin/sh"}, Env: []string{"A", path}}, `m:1: init.from: the image's variable "A" has no value and is left out; /bin/sh [] [` + path + `] `},
		"variable, no name":    {oci.Process{Cmd: []string{"/bin/sh"}, Env: []string{"=x"}}, `m:1: init.from: the image's variable "=x": want NAME=VALUE`},
		"NUL in a variable":    {oci.Process{Cmd: []string{"/bin/sh"}, Env: []string{"A=\x00"}}, `m:1: init.from: the image's variable "A=\x00": want NAME=VALUE`},
		"NUL in an argument":   {oci.Process{Cmd: []string{"/bin/sh", "\x00"}, Env: []string{path}}, `m:1: init.from: the image's argument "\x00": NUL in it`},
		"empty program":        {oci.Process{Cmd: []string{""}, Env: []string{path}}, `m:1: init.from: the image's program has an empty name`},
		"a directory":          {oci.Process{Cmd: []string{"bin"}, Env: []string{"PATH=/usr"}}, `m:1: init.from: the image's program "bin" is in no directory of PATH: /usr`},
		"directory with a NUL": {oci.Process{Cmd: []string{"/bin/sh"}, Env: []string{path}, WorkingDir: "/a\x00"}, `m:1: init.from: the image's directory "/a\x00": NUL in it`},
	} {
		t.Run(name, func(t *testing.T) {
			var said strings.Builder
			env := &Env{Warn: func(text string) { fmt.Fprintf(&said, "%s; ", text) }, images: []ociProcess{{test.image, "m:2", "/"}}}
			init := manifests.Default().Init
			init.From, init.FromPos = "oci", manifests.Pos{File: "m", Line: 1}
			var entries []*plan.Entry
			for _, e := range sh {
				one := *e
				entries = append(entries, &one)
			}
			err := FillInit(env, &init, entries, plan.Options{})
			got := said.String() + fmt.Sprintf("%s %q %s %s", init.Exec, init.Args, init.Env, init.Workdir.Path)
			if err != nil {
				got = err.Error()
			}
			if got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}
