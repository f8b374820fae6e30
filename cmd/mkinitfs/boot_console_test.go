package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestBootConsoleFile boots roots with a file at /dev/console, as in exports of containers.
// Output has to reach the console and not the file. With root.type none, a file that the
// manifest names at this path stays.
func TestBootConsoleFile(t *testing.T) {
	testenv.Boots(t)
	busybox := testenv.Tool(t, "busybox")
	tree := t.TempDir()
	if err := os.Mkdir(filepath.Join(tree, "dev"), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(tree, "dev/console"), nil)
	const item = "  - {type: file, dst: /dev/console, content: '', mode: 0666}\n"
	for _, test := range []struct{ name, root, item string }{
		{"came along, tmpfs", "tmpfs", fmt.Sprintf("  - {type: tree, src: %q, dst: /}\n", tree)},
		{"came along, bind", "bind", fmt.Sprintf("  - {type: tree, src: %q, dst: /}\n", tree)},
		{"came along, none", "none", fmt.Sprintf("  - {type: tree, src: %q, dst: /}\n", tree)},
		{"by name, tmpfs", "tmpfs", item},
	} {
		t.Run(test.name, func(t *testing.T) {
			img, _ := buildImage(t, fmt.Sprintf(`version: 1
root: {type: %s}
contents:
  - {type: file, src: %q, dst: /bin/busybox, mode: 0755, links: [/bin/sh, /sbin/poweroff]}
  - {type: file, dst: /sbin/init, mode: 0755, content: "#!/bin/sh\necho hello from $$\npoweroff -f\n"}
%s`, test.root, busybox, test.item))
			result := boot(t, img, qemu.Machine{})
			if err := result.Err(); err != nil || !bytes.Contains(result.Output, []byte("hello from 1")) {
				t.Errorf("got error %v, want a greeting on the console:\n%s", err, result.Output)
			}
		})
	}
}
