package manifests_test

import (
	"fmt"

	"github.com/mkinitfs/mkinitfs/manifests"
)

// A program makes a manifest. The builder takes it like one from a file.
func ExampleDefault() {
	motd := "made by a program\n"
	m := manifests.Default()
	m.Name = "appliance"
	m.Init.Exec = "/bin/agent"
	m.Contents = []manifests.Content{
		&manifests.File{Item: manifests.Item{Dst: "/bin/agent"}, Src: "out/agent"},
		&manifests.File{Item: manifests.Item{Dst: "/etc/motd"}, Text: &motd},
		&manifests.Dir{Item: manifests.Item{Dst: "/var/empty"}},
	}
	_, err := m.Complete()
	fmt.Println(m.Root.Type, len(m.Contents), err)
	// Output: tmpfs 3 <nil>
}

// Every problem of a manifest has its place.
func ExampleParse() {
	_, err := manifests.Parse([]byte("version: 1\nroot: {typ: tmpfs}\ncontents:\n  - {type: dir, dst: var}\n"),
		manifests.Options{File: "root.yaml"})
	fmt.Println(err)
	// Output:
	// root.yaml:2:8: unknown key in root: "typ" (did you mean "type"?)
	// root.yaml:4:22: dst "var": not absolute
}

// The table of keys serves documentation and editors.
func ExampleSections() {
	for _, s := range manifests.Sections() {
		if s.Path != "init.supervise" {
			continue
		}
		for _, k := range s.Keys {
			fmt.Println(k.Name, k.Values, k.Default)
		}
	}
	// Output:
	// on_exit [restart reboot poweroff panic] restart
	// restart_delay [] 1s
}
