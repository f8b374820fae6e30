package main

import (
	"encoding/binary"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestBootEnvelope boots the ramdisk in a uImage, and refuses a damaged one.
func TestBootEnvelope(t *testing.T) {
	t.Parallel()
	testenv.Tool(t, "qemu-system-x86_64")
	kernel := testenv.Kernel(t, "amd64")
	img := filepath.Join(t.TempDir(), "hello.img")
	if out, err := exec.Command(commandPath(t), "build", repository(t)+"/examples/hello/hello.yaml", "-o", img).CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	data, err := os.ReadFile(img)
	if err != nil {
		t.Fatal(err)
	}
	wrapped := img + "@.uimg" // the @ is a part of its name
	writeFile(t, wrapped, uImage(data))
	defer testenv.Slot(t)()
	out, err := exec.Command(commandPath(t), "boot", wrapped, "--kernel", kernel, "--no-kvm", "--timeout", testenv.Timeout(t).String()).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "hello from process 1, /hello: a root of its own") {
		t.Errorf("got error %v and\n%s", err, out)
	}
	damaged := uImage(data)
	damaged[len(damaged)/2] ^= 1
	writeFile(t, wrapped, damaged)
	out, err = exec.Command(commandPath(t), "boot", wrapped, "--kernel", kernel).CombinedOutput()
	if want := "mkinitfs: " + wrapped + ": damaged uImage: the crc32 of its data is "; err == nil || !strings.HasPrefix(string(out), want) {
		t.Errorf("damaged: got error %v and\n%s\nwant %q", err, out, want)
	}
}

// uImage returns a U-Boot image of type ramdisk.
func uImage(data []byte) []byte {
	h := append([]byte("\x27\x05\x19\x56"), make([]byte, 60)...)
	binary.BigEndian.PutUint32(h[12:], uint32(len(data)))
	binary.BigEndian.PutUint32(h[24:], crc32.ChecksumIEEE(data))
	h[28], h[30] = 5, 3 // Linux, ramdisk
	binary.BigEndian.PutUint32(h[4:], crc32.ChecksumIEEE(h))
	return append(h, data...)
}
