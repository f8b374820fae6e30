package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestBootUBoot gives uImages to U-Boot for arm64. It refuses one for another architecture, and
// boots the one of output.wrap.
func TestBootUBoot(t *testing.T) {
	t.Parallel()
	testenv.Matrix(t)
	testenv.Boots(t)
	testenv.Tool(t, "qemu-system-aarch64")
	const firmware = "/usr/lib/u-boot/qemu_arm64/u-boot.bin"
	if _, err := os.Stat(firmware); err != nil {
		testenv.Missing(t, "%v (package u-boot-qemu)", err)
	}
	kernel := testenv.Kernel(t, "arm64")
	dir := t.TempDir()
	right, wrong, manifest := filepath.Join(dir, "arm64.uimg"), filepath.Join(dir, "mips.uimg"), filepath.Join(dir, "root.yaml")
	writeFile(t, manifest, []byte("version: 1\nname: board\narch: arm64\noutput: {wrap: uimage}\ninit: {exec: /hello}\n"+
		"contents:\n  - {type: go, src: "+repository(t)+"/examples/hello, dst: /hello}\n  - {type: file, dst: /etc/motd, content: \"from U-Boot\\n\"}\n"))
	for _, args := range [][]string{{"build", manifest, "-o", right}, {"wrap", "uimage", right, "--arch", "mips", "-o", wrong}} {
		if out, err := exec.Command(commandPath(t), args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", args[0], err, out)
		}
	}
	defer testenv.Slot(t)()
	ctx, cancel := context.WithTimeout(t.Context(), testenv.Timeout(t))
	defer cancel()
	cmd := exec.CommandContext(ctx, "qemu-system-aarch64", "-M", "virt", "-cpu", "cortex-a57", "-m", "1024", "-nographic", "-no-reboot", "-nic", "none", "-bios", firmware)
	for at, file := range map[int]string{0x42000000: kernel, 0x50000000: right, 0x60000000: wrong} {
		cmd.Args = append(cmd.Args, "-device", fmt.Sprintf("loader,file=%s,addr=%#x,force-raw=on", file, at))
	}
	converse(t, cmd, []exchanged{
		{"Hit any key to stop autoboot", "\n"},
		{"=> ", "setenv bootargs console=ttyAMA0 panic=-1\n"},
		{"=> ", "booti 0x42000000 0x60000000 ${fdtcontroladdr}\n"},
		{"No Linux AArch64 Ramdisk Image\r\n", ""},
		{"=> ", "booti 0x42000000 0x50000000 ${fdtcontroladdr}\n"},
		{"Image Name:   board\r\n", ""},
		{"hello from process 1, /hello: from U-Boot", ""},
	})
}

// exchanged is a text that a machine prints, and the answer to it.
type exchanged struct{ prompt, answer string }

// converse starts a machine, waits for each prompt in turn and answers it. The machine has to
// end by itself.
func converse(t *testing.T, cmd *exec.Cmd, talk []exchanged) {
	t.Helper()
	keys, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	screen, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	seen, p := 0, make([]byte, 4<<10)
	for {
		n, err := screen.Read(p)
		log.Write(p[:n])
		for len(talk) > 0 {
			at := bytes.Index(log.Bytes()[seen:], []byte(talk[0].prompt))
			if at < 0 {
				break
			}
			seen += at + len(talk[0].prompt)
			io.WriteString(keys, talk[0].answer) // fails only if the machine has ended
			talk = talk[1:]
		}
		if err != nil {
			break
		}
	}
	if err := cmd.Wait(); err != nil || len(talk) > 0 {
		t.Fatalf("the machine ended with %v; still to come: %q; its console:\n%s", err, talk, &log)
	}
}
