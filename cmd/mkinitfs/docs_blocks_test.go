package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// blocks returns the fenced blocks of a language in a document.
func blocks(t *testing.T, document, language string) []string {
	t.Helper()
	var all []string
	text := readFile(t, filepath.Join(repository(t), document))
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	if len(all) == 0 {
		t.Fatalf("got no block in %s in %s, want one", language, document)
	}
	return all
}

// TestDocumentedMake runs make with the rule of the document. make builds, has nothing to do,
// and builds again when a source has changed.
func TestDocumentedMake(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "Makefile"), []byte(blocks(t, "docs/reproducible.md", "make")[0]))
	writeFile(t, filepath.Join(dir, "motd"), []byte("first\n"))
	writeFile(t, filepath.Join(dir, "router.yaml"), []byte("version: 1\nroot: {type: none}\ninit: none\ncontents: [{type: file, src: motd, dst: /etc/motd}]\n"))
	build := func() string {
		cmd := exec.Command(testenv.Tool(t, "make"), "router.img")
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("make: %v\n%s", err, out)
		}
		return string(out)
	}
	build()
	if got := build(); !strings.Contains(got, "up to date") {
		t.Errorf("got %q, want nothing to do", got)
	}
	writeFile(t, filepath.Join(dir, "motd"), []byte("second\n"))
	// Make compares times, and both files may have the same time.
	changed := exec.Command("touch", "-d", "1 hour", "motd")
	changed.Dir = dir
	if out, err := changed.CombinedOutput(); err != nil {
		t.Fatalf("touch: %v\n%s", err, out)
	}
	build()
	if got, _ := outputOf(t, exec.Command(commandPath(t), "cat", filepath.Join(dir, "router.img"), "/etc/motd")); got != "second\n" {
		t.Errorf("got %q from the image, want what has changed", got)
	}
}

// TestDocumentedFakeroot builds as the document does. The image must have the owner and the
// device node that fakeroot pretends.
func TestDocumentedFakeroot(t *testing.T) {
	testenv.Tool(t, "fakeroot")
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "root/dev"), 0o755); err != nil {
		t.Fatal(err)
	}
	rule := blocks(t, "docs/reproducible.md", "make")[1]
	writeFile(t, filepath.Join(dir, "Makefile"), []byte("root.img:\n"+rule))
	writeFile(t, filepath.Join(dir, "root.yaml"), []byte("version: 1\nroot: {type: none}\ninit: none\ncontents: [{type: tar, src: \"-\"}]\n"))
	cmd := exec.Command(testenv.Tool(t, "make"))
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make: %v\n%s", err, out)
	}
	got, _ := outputOf(t, exec.Command(commandPath(t), "list", "-l", filepath.Join(dir, "root.img")))
	if !regexp.MustCompile(`(?m)^c.* 0 +0 +4:64 .* /dev/ttyS0$`).MatchString(got) {
		t.Errorf("got no device node, want /dev/ttyS0 of root:\n%s", got)
	}
}

// TestDocumentedBefore boots the document's manifest with a script that runs before the stub.
// The program reports the mounts.
func TestDocumentedBefore(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	busybox := testenv.Tool(t, "busybox")
	if runtime.GOARCH != "amd64" {
		t.Skip("the machine's busybox is for another one than the kernel that is booted")
	}
	manifest := strings.Replace(blocks(t, "docs/boot.md", "yaml")[0], "src: busybox", "src: "+busybox, 1) +
		`  - {type: file, dst: /sbin/init, mode: 0755, content: "#!/bin/busybox sh\n/bin/busybox grep -c -e ' /dev ' -e ' /proc ' /proc/mounts\n/bin/busybox poweroff -f\n"}` + "\n"
	img, _ := buildImage(t, manifest)
	result := boot(t, img, qemu.Machine{Append: "rdinit=/before", Expect: regexp.MustCompile(`^2$`)})
	if err := result.Err(); err != nil {
		t.Errorf("%v\n%s", err, result.Output)
	}
	if !strings.Contains(string(result.Output), "mkinitfs: mounts moved from rootfs: /dev /proc\n") {
		t.Errorf("got no mounts that are moved:\n%s", result.Output)
	}
}
