package main

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// modulesOfPC are modules that the tests take from Debian's kernel for PCs.
const modulesOfPC = "[virtio_pci, virtio_net, e1000, overlay, nf_tables]"

// TestModulesLikeDepmod builds an image with modules of Debian's kernel, plain ones and then the
// same ones compressed. In its root depmod makes the same files again, and modprobe finds every module with all that it
// needs.
func TestModulesLikeDepmod(t *testing.T) {
	t.Setenv("PATH", os.Getenv("PATH")+":/usr/sbin:/sbin")
	depmod, modprobe := testenv.Tool(t, "depmod"), testenv.Tool(t, "modprobe")
	src := testenv.KernelModules(t)
	version := filepath.Base(src)
	root := moduleRoot(t, src, modulesOfPC)
	plain := filepath.Join(root, "lib/modules", version)
	checkDepmod(t, root, version, depmod, modprobe)

	packers := [][]string{{"xz", "--check=crc32"}, {"zstd", "-q", "--rm"}, {"true"}}
	for i, name := range modulesIn(t, plain) {
		packer := packers[i%len(packers)]
		cmd := exec.Command(testenv.Tool(t, packer[0]), append(packer[1:], filepath.Join(plain, name))...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", packer[0], err, out)
		}
	}
	packed := moduleRoot(t, plain, modulesOfPC)
	if names := modulesIn(t, filepath.Join(packed, "lib/modules", version)); !slices.Equal(names, modulesIn(t, plain)) {
		t.Errorf("got modules %q, want the same", names)
	}
	checkDepmod(t, packed, version, depmod, modprobe)
}

// moduleRoot builds an image with modules and returns the directory with its root.
func moduleRoot(t *testing.T, src, modules string) string {
	t.Helper()
	img, _ := buildImage(t, fmt.Sprintf(`version: 1
arch: amd64
root: {type: none}
init: none
contents: [{type: modules, src: %q, modules: %s}]
`, src, modules))
	root := filepath.Join(t.TempDir(), "root")
	if status, _, words := mkinitfs("extract", img, root); status != 0 {
		t.Fatalf("extract: exit status %d\n%s", status, words)
	}
	return root
}

// modulesIn returns the paths of the modules below a directory.
func modulesIn(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if strings.Contains(name, ".ko") {
			names = append(names, name)
		}
		return err
	})
	if err != nil || len(names) < 15 {
		t.Fatalf("got %d modules in %s, error %v", len(names), dir, err)
	}
	return names
}

// checkDepmod compares the files in a root with those that depmod makes there, except for
// modules.symbols, which depmod writes in no order. Then it asks modprobe for every module.
func checkDepmod(t *testing.T, root, version, depmod, modprobe string) {
	t.Helper()
	dir := filepath.Join(root, "lib/modules", version)
	names, err := filepath.Glob(filepath.Join(dir, "modules.*"))
	if err != nil || len(names) < 12 {
		t.Fatalf("got %q, error %v", names, err)
	}
	ours := map[string]string{}
	for _, name := range names {
		ours[name] = readFile(t, name)
	}
	if out, err := exec.Command(depmod, "-b", root, version).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("depmod: %v\n%s", err, out)
	}
	release, err := exec.Command(depmod, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range ours {
		// depmod writes the nodes of indexes in another order from version 34 on.
		if strings.HasSuffix(name, ".bin") && !strings.HasPrefix(string(release), "kmod version 30\n") {
			continue
		}
		want := readFile(t, name)
		if strings.HasSuffix(name, "modules.symbols") {
			sort := func(text string) string { return strings.Join(slices.Sorted(strings.Lines(text)), "") }
			got, want = sort(got), sort(want)
		}
		if got != want {
			t.Errorf("%s is not as depmod writes it", name)
		}
		writeFile(t, name, []byte(ours[name]))
	}
	for _, module := range modulesIn(t, dir) {
		name, _, _ := strings.Cut(filepath.Base(module), ".")
		out, err := exec.Command(modprobe, "-S", version, "-d", root, "--show-depends", name).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "insmod "+filepath.Join(dir, module)) {
			t.Errorf("modprobe %s: %v\n%s", name, err, out)
		}
	}
}

// TestRunModules runs an image with init.modules, which are for the kernel of a machine.
func TestRunModules(t *testing.T) {
	dir := tinyModules(t)
	item := fmt.Sprintf("  - {type: modules, src: %q, modules: [e1000]}", dir)
	img, _ := buildImage(t, processManifest(t, "echo started", item, "init: {exec: /app, modules: [e1000]}"))
	for _, r := range runners() {
		t.Run(r.name, func(t *testing.T) {
			cmd := r.command(t, img)
			cmd.Args = cmd.Args[:3] // without --
			got, said := outputOf(t, cmd)
			const words = "mkinitfs: init.modules is for a machine: no kernel module is loaded here\n"
			if got != "started\n" || !strings.HasSuffix(said, words) {
				t.Errorf("got %q and on standard error %q, want %q", got, said, words)
			}
		})
	}
}
