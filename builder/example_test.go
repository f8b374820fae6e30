package builder_test

import (
	"bytes"
	"context"
	"fmt"
	"log"

	"github.com/mkinitfs/mkinitfs/builder"
	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/manifests"
)

func ExampleBuild() {
	text := "hello\n"
	m := manifests.Default()
	m.Arch = "amd64"
	m.Root.Type = manifests.None // what the kernel unpacks is the root: no stub is needed
	motd := &manifests.File{Text: &text}
	motd.Dst = "/etc/motd"
	m.Contents = []manifests.Content{motd}

	var img bytes.Buffer
	report, err := builder.Build(context.Background(), &img, m, builder.Options{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(report.Arch, report.Unpacked, "bytes of files")
	entries, _, err := image.List(&img)
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range entries {
		fmt.Println(e.Path())
	}
	// Output:
	// amd64 6 bytes of files
	// /
	// /dev
	// /dev/console
	// /dev/null
	// /etc
	// /etc/motd
	// /init
}

func ExampleCheck() {
	const text = `version: 1
arch: amd64
root: {type: none}
contents:
  - {type: file, dst: /etc/motd, content: "hello\n"}
`
	m, err := manifests.Parse([]byte(text), manifests.Options{File: "root.yaml"})
	if err != nil {
		log.Fatal(err)
	}
	report, err := builder.Check(context.Background(), m, builder.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, item := range report.Items {
		fmt.Println(item.Place, item.Type, item.Entries, "entries")
	}
	for _, warning := range report.Warnings {
		fmt.Println("warning:", warning)
	}
	// Output:
	// root.yaml:5:5 file 2 entries
	// warning: root.yaml:1:1: init.exec: /init -> /sbin/init is not in the root
}
