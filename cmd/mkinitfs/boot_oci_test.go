package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// shell runs a script with arguments.
func shell(t *testing.T, dir, script string, args ...string) {
	t.Helper()
	cmd := exec.Command("sh", append([]string{"-euc", script, "sh"}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

// buildFormats builds images of an OCI archive, and of the same container's image in the other
// formats, as skopeo writes them. They have to be equal. It returns the path of one of them.
func buildFormats(t *testing.T, archive string) string {
	t.Helper()
	dir := t.TempDir()
	shell(t, dir, `skopeo copy -q "oci-archive:$1" oci:layout:app
		skopeo copy -q oci:layout:app docker-archive:docker.tar:app:latest`, archive)
	manifest := filepath.Join(repository(t), "examples/oci-application/oci-application.yaml")
	first := ""
	for _, image := range []string{archive, filepath.Join(dir, "layout"), filepath.Join(dir, "docker.tar")} {
		img := filepath.Join(dir, "app.img")
		if out, err := exec.Command(commandPath(t), "build", manifest, "-D", "image="+image, "-o", img).CombinedOutput(); err != nil {
			t.Fatalf("build of %s: %v\n%s", image, err, out)
		}
		got := readFile(t, img)
		if first == "" {
			first = got
		} else if got != first {
			t.Errorf("got another image of %s than of %s", image, archive)
		}
	}
	return filepath.Join(dir, "app.img")
}

// asInContainer is what the program of the example prints.
var asInContainer = []string{
	"report: one two words in /home/app\n", "report: uid=1000(app) gid=1000(app) groups=", "44(video)",
	"report: COLOR=blue\n", "report: GREETING=hello\n", "report: HOME=/home/app\n", "report: PATH=/usr/local/bin:/bin\n",
	"exited with status 0 after ", "reboot: Power down",
}

// TestBootOCI boots the container's image of the example, with busybox of Debian, as the process
// that the image describes.
func TestBootOCI(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	testenv.Tool(t, "umoci")
	testenv.Tool(t, "skopeo")
	archive := filepath.Join(t.TempDir(), "app.tar")
	shell(t, filepath.Join(repository(t), "examples/oci-application"), `GOARCH=amd64 ./make-image "$@"`, testenv.Busybox(t, "amd64"), archive)
	result := boot(t, buildFormats(t, archive), qemu.Machine{})
	if err := result.Err(); err != nil {
		t.Error(err)
	}
	wantLines(t, string(result.Output), asInContainer...)
}

// TestBootOCIDebian does the same with a whole Debian below.
func TestBootOCIDebian(t *testing.T) {
	t.Parallel()
	testenv.Matrix(t)
	testenv.Boots(t)
	testenv.Tool(t, "umoci")
	testenv.Tool(t, "skopeo")
	dir := t.TempDir()
	archive := filepath.Join(dir, "app.tar")
	shell(t, dir, `umoci init --layout layout
		umoci new --image layout:app
		mkdir -p app/usr/local/bin app/etc app/home/app
		cp "$2/examples/oci-application/report" app/usr/local/bin/
		chmod 755 app/usr/local/bin/report
		echo app:x:1000:1000::/home/app:/bin/sh >app/etc/passwd
		printf 'app:x:1000:\nvideo:x:44:app\n' >app/etc/group
		tar --owner=0 --group=0 -C app -cf app.layer usr/local/bin/report etc/passwd etc/group home/app
		umoci raw add-layer --image layout:app "$1"
		umoci raw add-layer --image layout:app app.layer
		umoci config --image layout:app --architecture amd64 --os linux --config.entrypoint report --config.cmd one --config.cmd 'two words' \
			--config.env PATH=/usr/local/bin:/bin --config.env COLOR=blue --config.workingdir /home/app --config.user app
		skopeo copy -q oci:layout:app oci-archive:app.tar:app`, testenv.DebianRoot(t), repository(t))
	if _, err := os.Stat(archive); err != nil {
		t.Fatal(err)
	}
	result := boot(t, buildFormats(t, archive), qemu.Machine{MemoryMiB: 1024})
	if err := result.Err(); err != nil {
		t.Error(err)
	}
	wantLines(t, string(result.Output), asInContainer...)
}
