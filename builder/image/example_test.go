//go:build linux

package image_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/image"
)

// smallImage returns an image of two entries.
func smallImage() []byte {
	var img bytes.Buffer
	w := cpio.NewWriter(&img)
	owner := uint32(os.Getuid())
	for _, h := range []cpio.Header{
		{Name: "etc", Mode: cpio.TypeDir | 0o755, UID: owner, Nlink: 2},
		{Name: "etc/motd", Mode: cpio.TypeFile | 0o644, UID: owner, Nlink: 1, Size: 6},
	} {
		if err := w.WriteHeader(&h); err != nil {
			log.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write([]byte("hello\n")); err != nil {
				log.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	return img.Bytes()
}

func ExampleList() {
	entries, info, err := image.List(bytes.NewReader(smallImage()))
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range entries {
		fmt.Printf("%o %s %d\n", e.Mode, e.Path(), e.Size)
	}
	for _, f := range info.Findings {
		fmt.Println("warning:", &f)
	}
	// Output:
	// 40755 /etc 0
	// 100644 /etc/motd 6
}

func ExampleExtraction() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	root, err := os.Open(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer root.Close()
	x := &image.Extraction{
		Dir:    root,
		Select: func(path string) bool { return path == "/etc" || filepath.Dir(path) == "/etc" },
	}
	if err := x.Extract(context.Background(), bytes.NewReader(smallImage())); err != nil {
		log.Fatal(err)
	}
	for _, path := range x.Skipped {
		fmt.Println("left out:", path)
	}
	content, err := os.ReadFile(filepath.Join(dir, "etc/motd"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Print(string(content))
	// Output:
	// hello
}
