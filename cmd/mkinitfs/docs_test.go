package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/elftest"
	"github.com/mkinitfs/mkinitfs/internal/kmod/kmodtest"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// TestExamples checks every manifest under examples.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(repository(t), "examples/*/*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d examples, error %v", len(files), err)
	}
	// Inputs of the examples that the user supplies.
	program := filepath.Join(t.TempDir(), "program")
	writeFile(t, program, []byte(elf.ELFMAG))
	packages := t.TempDir()
	if err := os.MkdirAll(filepath.Join(packages, "usr/sbin"), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(packages, "usr/sbin/dropbear"), emptyProgram(elf.EM_X86_64))
	flags := map[string][]string{
		"debian-runc.yaml":     {"-D", "rootfs=" + tinyDebian(t)},
		"selinux.yaml":         {"-D", "rootfs=" + tinyDebian(t)},
		"router-mipsel.yaml":   {"-D", "busybox=" + program},
		"pc.yaml":              {"-D", "busybox=" + program},
		"malta.yaml":           {"-D", "busybox=" + program},
		"from-initramfs.yaml":  {"-D", "initrd=" + tinyInitramfs(t)},
		"kernel-modules.yaml":  {"-D", "busybox=" + program, "-D", "modules=" + tinyModules(t)},
		"oci-application.yaml": {"--arch", "amd64", "-D", "image=" + tinyContainer(t)},
		"debian-packages.yaml": {"-D", "sysroot=" + tinySysroot(t)},
		"ssh-access.yaml":      {"-D", "keys=" + program, "-D", "busybox=" + program, "-D", "packages=" + packages},
	}
	for _, file := range files {
		base := filepath.Base(file)
		t.Run(base, func(t *testing.T) {
			out, err := exec.Command(commandPath(t), append([]string{"check", file}, flags[base]...)...).CombinedOutput()
			needModules(t, out, err)
			if err != nil || strings.Contains(string(out), "warning") {
				t.Errorf("got error %v, want none and no warnings:\n%s", err, out)
			}
		})
	}
}

// TestRouterAlone checks that the example's error says how to get the missing program.
func TestRouterAlone(t *testing.T) {
	t.Setenv("BUSYBOX", "")
	out, err := exec.Command(commandPath(t), "check", filepath.Join(repository(t), "examples/router-mipsel/router-mipsel.yaml")).CombinedOutput()
	const want = ":7:12: variable BUSYBOX: make fetches Debian's, -D busybox=FILE gives another static one\n"
	if err == nil || !strings.HasSuffix(string(out), want) {
		t.Errorf("got error %v, want one that ends in %q:\n%s", err, want, out)
	}
}

// tinyContainer makes a container's image as docker save writes it.
func tinyContainer(t *testing.T) string {
	t.Helper()
	pack := func(files map[string]string) string {
		var b bytes.Buffer
		w := tar.NewWriter(&b)
		for name, content := range files {
			err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(content))})
			_, err2 := w.Write([]byte(content))
			check(t, errors.Join(err, err2))
		}
		check(t, w.Close())
		return b.String()
	}
	layer := pack(map[string]string{"bin/app": elf.ELFMAG})
	config := fmt.Sprintf(`{"os": "linux", "architecture": "amd64", "config": {"Entrypoint": ["app"], "Env": ["PATH=/bin"]},
		"rootfs": {"type": "layers", "diff_ids": ["sha256:%x"]}}`, sha256.Sum256([]byte(layer)))
	file := filepath.Join(t.TempDir(), "app.tar")
	writeFile(t, file, []byte(pack(map[string]string{
		"manifest.json": `[{"Config": "config.json", "RepoTags": ["app:latest"], "Layers": ["layer.tar"]}]`, "config.json": config, "layer.tar": layer,
	})))
	return file
}

// tinySysroot makes a sysroot with the programs that the example names. They need nothing.
func tinySysroot(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"bin/bash", "bin/ip", "usr/sbin/nft"} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, elftest.File{}.Bytes(), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// tinyDebian makes a tarball with the paths of a Debian root that the examples name.
func tinyDebian(t *testing.T) string {
	t.Helper()
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	for _, h := range []tar.Header{
		{Name: "./usr/bin/busybox", Typeflag: tar.TypeReg, Mode: 0o755},
		{Name: "./usr/bin/sh", Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(elf.ELFMAG))},
		{Name: "./etc/selinux/default/policy/policy.33", Typeflag: tar.TypeReg, Mode: 0o644},
		{Name: "./etc/selinux/default/contexts/files/file_contexts", Typeflag: tar.TypeReg, Mode: 0o644},
		{Name: "./bin", Typeflag: tar.TypeSymlink, Linkname: "usr/bin", Mode: 0o777},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(elf.ELFMAG)[:h.Size]); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rootfs.tar")
	writeFile(t, file, archive.Bytes())
	return file
}

// tinyInitramfs makes an initramfs with a program for amd64.
func tinyInitramfs(t *testing.T) string {
	t.Helper()
	h := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT), Ehsize: 64, Phentsize: 56,
	}
	program, err := binary.Append(nil, binary.LittleEndian, h)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "initrd.img")
	writeFile(t, file, systemArchive(t, map[string]string{"init": string(program)}))
	return file
}

// tinyModules makes the modules that the examples name.
func tinyModules(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "6.1.0")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"virtio_pci", "virtio_net", "e1000", "nf_tables", "overlay"} {
		writeFile(t, filepath.Join(dir, name+".ko"), kmodtest.Make(kmodtest.Module{Info: []string{"vermagic=6.1.0 SMP"}}))
	}
	return dir
}

// documents returns the paths of README.md and of everything in docs.
func documents(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repository(t), "docs/*.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("got %d documents, error %v", len(files), err)
	}
	return append(files, filepath.Join(repository(t), "README.md"))
}

// TestDocumentedManifests decodes the manifests, and parts of them, in all documents.
func TestDocumentedManifests(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "common.yaml"), []byte("version: 1\n")) // one of them includes it
	found := 0
	for _, file := range documents(t) {
		for _, block := range regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$").FindAllStringSubmatch(readFile(t, file), -1) {
			manifest := block[1]
			if !strings.HasPrefix(manifest, "version: 1\n") { // a part of one
				manifest = "version: 1\n" + manifest
			}
			found++
			if _, err := manifests.Parse([]byte(manifest), manifests.Options{File: filepath.Base(file), Dir: dir}); err != nil {
				t.Errorf("%v\nin\n%s", err, block[1])
			}
		}
	}
	if found == 0 {
		t.Error("got no manifests, want some")
	}
}

// TestReadmeManifestChecks checks the README's own manifest with an almost empty root.
func TestReadmeManifestChecks(t *testing.T) {
	readme := readFile(t, filepath.Join(repository(t), "README.md"))
	block := regexp.MustCompile("(?ms)^## Manifest\n\n```yaml\n(.*?)^```$").FindSubmatch([]byte(readme))
	if block == nil {
		t.Fatal("got no manifest, want one")
	}
	dir := t.TempDir()
	for name, text := range map[string]string{
		"router.yaml":         string(block[1]),
		"out/rootfs/etc/motd": "router\n",
		"overlay.tar.xz":      strings.Repeat("\x00", 1024), // an empty archive
		"busybox":             elf.ELFMAG,
		"go.mod":              "module router\n",
		"cmd/agent/main.go":   "package main\n\nfunc main() {}\n",
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, file, []byte(text))
	}
	// For this machine, because compiling for another one takes long.
	cmd := exec.Command(commandPath(t), "check", "router.yaml", "--arch", runtime.GOARCH)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("got error %v, want none:\n%s", err, out)
	}
}

// TestReadmeCommands runs the commands of the README that need only the repository and Go.
func TestReadmeCommands(t *testing.T) {
	readme := readFile(t, filepath.Join(repository(t), "README.md"))
	commands := regexp.MustCompile(`(?m)^\$ (go run \./cmd/mkinitfs build \S+ -o )\S+$`).FindAllStringSubmatch(readme, -1)
	if len(commands) == 0 {
		t.Fatal("got no commands, want some")
	}
	for _, command := range commands {
		img := filepath.Join(t.TempDir(), "readme.img")
		words := append(strings.Fields(command[1]), img)
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Dir = repository(t)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", command[0], err, out)
			continue
		}
		if len(listed(t, img)) == 0 {
			t.Errorf("%s: got an empty root", command[0])
		}
	}
}

// TestReadmeLength keeps the README short. Everything beyond the first ten minutes belongs in
// docs.
func TestReadmeLength(t *testing.T) {
	const most = 180
	if got := strings.Count(readFile(t, filepath.Join(repository(t), "README.md")), "\n"); got > most {
		t.Errorf("got %d lines, want %d at most", got, most)
	}
}

// TestReadmeBoot boots the image of the example as the README does, by emulation.
func TestReadmeBoot(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	testenv.Kernel(t, "amd64")
	img := filepath.Join(t.TempDir(), "hello.img")
	build := exec.Command(commandPath(t), "build", filepath.Join(repository(t), "examples/hello/hello.yaml"), "--arch", "amd64", "-o", img)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	readme := readFile(t, filepath.Join(repository(t), "README.md"))
	command := regexp.MustCompile(`(?m)^\$ go run \./cmd/mkinitfs boot hello\.img (.*)$`).FindStringSubmatch(readme)
	if command == nil {
		t.Fatal("got no boot in the README, want one")
	}
	defer testenv.Slot(t)()
	cmd := exec.Command("sh", "-c", "mkinitfs boot "+img+" "+command[1]+" --no-kvm --timeout "+testenv.Timeout(t).String())
	cmd.Dir = repository(t)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", command[0], err, out)
	}
}

// TestReadmeTable compares the table of commands with --help. Every command must have a row
// with every flag.
func TestReadmeTable(t *testing.T) {
	rows := map[string]string{}
	readme := readFile(t, filepath.Join(repository(t), "README.md"))
	for _, m := range regexp.MustCompile("(?m)^\\| `mkinitfs ([a-z]+(?: [a-z]+)?)(.*)$").FindAllStringSubmatch(readme, -1) {
		rows[m[1]] = m[2]
	}
	for name, flags := range commandFlags(t) {
		row, ok := rows[name]
		if !ok {
			t.Errorf("got no row for mkinitfs %s, want one", name)
		}
		delete(rows, name)
		for _, names := range flags {
			if !slices.ContainsFunc(names, func(n string) bool { return regexp.MustCompile("[` ]" + n + "\\b").MatchString(row) }) {
				t.Errorf("the row of mkinitfs %s has none of %v", name, names)
			}
		}
		for _, m := range regexp.MustCompile("`(-[-\\w]+)").FindAllStringSubmatch(row, -1) {
			if !slices.ContainsFunc(flags, func(names []string) bool { return slices.Contains(names, m[1]) }) {
				t.Errorf("the row of mkinitfs %s has %s, which is no flag of it", name, m[1])
			}
		}
	}
	for name := range rows {
		t.Errorf("got a row for mkinitfs %s, which is no command", name)
	}
}

// commandFlags returns the flags of every command, with all of their names, as --help prints
// them. A command with commands of its own stands for these.
func commandFlags(t *testing.T) map[string][][]string {
	t.Helper()
	all := map[string][][]string{}
	var add func(name string)
	add = func(name string) {
		out, err := exec.Command(commandPath(t), append(strings.Fields(name), "--help")...).Output()
		if err != nil {
			t.Fatal(err)
		}
		_, list, found := strings.Cut(string(out), "Available Commands:\n")
		list, _, _ = strings.Cut(list, "\n\n")
		for line := range strings.Lines(list) {
			if base := strings.Fields(line)[0]; base != "help" && base != "completion" { // cobra's own
				add(strings.TrimSpace(name + " " + base))
			}
		}
		if found {
			return
		}
		all[name] = nil
		for _, m := range regexp.MustCompile(`(?m)^ +(-[-\w]+)(?:, (-[-\w]+))?`).FindAllStringSubmatch(string(out), -1) {
			if m[1] == "-h" || m[1] == "-MF" || m[1] == "-MP" || m[1] == "-MT" { // -MD and its like
				continue
			}
			all[name] = append(all[name], strings.Fields(m[1]+" "+m[2]))
		}
	}
	add("")
	if len(all) == 0 {
		t.Fatal("got no commands, want some")
	}
	return all
}
