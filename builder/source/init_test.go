package source

import (
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

func TestChooseInit(t *testing.T) {
	byDefault := manifests.Default().Init.Exec
	for name, test := range map[string]struct {
		init manifests.Init
		item manifests.Content
		path string // of the entry that is found
		want string
	}{
		"an initramfs":            {manifests.Init{Exec: byDefault, Unasked: true}, &manifests.Cpio{}, "/init", "/init"},
		"an initramfs without it": {manifests.Init{Exec: byDefault, Unasked: true}, &manifests.Cpio{}, "/linuxrc", byDefault},
		"another program asked":   {manifests.Init{Exec: byDefault}, &manifests.Cpio{}, "/init", byDefault},
		"a tree":                  {manifests.Init{Exec: byDefault, Unasked: true}, &manifests.Tree{}, "/init", byDefault},
	} {
		ChooseInit(&test.init, test.item, []*plan.Entry{{Path: test.path}})
		if test.init.Exec != test.want {
			t.Errorf("%s: got program %q, want %q", name, test.init.Exec, test.want)
		}
	}
}

func TestAddInit(t *testing.T) {
	for name, test := range map[string]struct {
		exec, path string
		want       string // target of the link, "" for none
	}{
		"a program elsewhere": {"/sbin/init", "/sbin/init", "/sbin/init"},
		"an init of its own":  {"/sbin/init", "/init", ""},
		"the program is it":   {"/init", "/sbin/init", ""},
		"no program":          {"", "/sbin/init", ""},
	} {
		got, err := AddInit(t.Context(), &Env{}, manifests.Init{Exec: test.exec}, []*plan.Entry{{Path: test.path}})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		link := ""
		if len(got) == 2 {
			link = got[1].Target
		}
		if link != test.want {
			t.Errorf("%s: got a link to %q, want %q", name, link, test.want)
		}
	}
}
