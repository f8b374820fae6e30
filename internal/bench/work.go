//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/mkinitfs/mkinitfs/internal/gobuild"
)

// roots are the roots that are packed.
type roots struct {
	tarball string
	tmpfs   tree
	disk    tree
	modules *tree // nil if there are none
}

// tree is a directory with a root, and the lists of its files that the peers need. They get
// these ready-made. mkinitfs walks the directory itself.
type tree struct {
	name    string // for the table
	scratch string // a directory for output, on the same file system
	dir     string
	names   string // file, as find writes it, for cpio, bsdcpio and u-root
	gen     string // list for gen_init_cpio
	three   string // manifest for 3cpio
}

// prepare compiles our programs and unpacks the root.
func (b *bench) prepare() error {
	b.mkinitfs = filepath.Join(b.disk, "mkinitfs")
	// As make does, but without -trimpath it finds the source of the stub.
	err := b.run("env", "CGO_ENABLED=0", "go", "build", "-o", b.mkinitfs, "./cmd/mkinitfs")
	if err == nil {
		b.timed, err = b.compile("internal/bench/timed")
	}
	if err == nil {
		b.uroot, err = b.compile("internal/bench/uroot")
	}
	if err != nil {
		return err
	}
	if b.root.tarball, err = b.script("debian-root.sh"); err != nil {
		return err
	}
	if b.root.tmpfs, err = b.unpackRoot(b.tmpfs, "tmpfs"); err != nil {
		return err
	}
	if b.root.disk, err = b.unpackRoot(b.disk, fileSystem(b.disk)); err != nil {
		return err
	}
	modules, err := b.script("peer.sh", "modules")
	if err != nil {
		b.miss("%v", err)
		return nil
	}
	dir := filepath.Join(b.tmpfs, "modules")
	if err := b.run("cp", "-r", modules, dir); err != nil {
		return err
	}
	t, err := newTree("modules, tmpfs", b.tmpfs, dir)
	b.root.modules = &t
	return err
}

// compile builds a program of the module, the directory of which is the current one.
func (b *bench) compile(path string) (string, error) {
	out := filepath.Join(b.disk, filepath.Base(path))
	return out, gobuild.Build(b.ctx, gobuild.Target{Package: "./" + path, Out: out})
}

// script runs one of internal/testenv and returns the path that it prints.
func (b *bench) script(name string, args ...string) (string, error) {
	cmd := exec.CommandContext(b.ctx, "internal/testenv/"+name, args...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w", strings.Join(append([]string{name}, args...), " "), err)
	}
	return strings.TrimSpace(string(out)), nil
}

// run runs a program that is not measured.
func (b *bench) run(args ...string) error {
	if out, err := exec.CommandContext(b.ctx, args[0], args[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

func fileSystem(dir string) string {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return "disk"
	}
	name, ok := map[int64]string{0xef53: "ext4", 0x58465342: "xfs", 0x9123683e: "btrfs", 0x01021994: "tmpfs", 0x794c7630: "overlayfs"}[int64(st.Type)]
	if !ok {
		return "disk"
	}
	return name
}

// unpackRoot unpacks the tarball below scratch. Its device nodes take a superuser.
func (b *bench) unpackRoot(scratch, name string) (tree, error) {
	dir := filepath.Join(scratch, "root")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return tree{}, err
	}
	if err := b.run("tar", "-C", dir, "--exclude=./dev/*", "-xf", b.root.tarball); err != nil {
		return tree{}, err
	}
	return newTree("root, "+name, scratch, dir)
}

// newTree writes the lists of what is in dir.
func newTree(name, scratch, dir string) (tree, error) {
	t := tree{name: name, scratch: scratch, dir: dir, names: dir + ".names", gen: dir + ".list", three: dir + ".3cpio"}
	var names, gen, three bytes.Buffer
	first := map[uint64]string{} // of the names of a hard-linked file, all that are not the first
	links := map[string][]string{}
	var order []func()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		st := info.Sys().(*syscall.Stat_t)
		rel := path[len(dir)+1:]
		fmt.Fprintln(&names, rel)
		fmt.Fprintf(&three, "%s\t%s\n", path, rel)
		rest := fmt.Sprintf("%o %d %d", st.Mode&0o7777, st.Uid, st.Gid)
		switch {
		case d.IsDir():
			order = append(order, func() { fmt.Fprintf(&gen, "dir /%s %s\n", rel, rest) })
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			order = append(order, func() { fmt.Fprintf(&gen, "slink /%s %s %s\n", rel, target, rest) })
		case info.Mode().IsRegular():
			if of, ok := first[st.Ino]; ok {
				links[of] = append(links[of], "/"+rel)
				return nil
			}
			if st.Nlink > 1 {
				first[st.Ino] = rel
			}
			order = append(order, func() { fmt.Fprintf(&gen, "file /%s %s %s %s\n", rel, path, rest, strings.Join(links[rel], " ")) })
		}
		return nil
	})
	if err != nil {
		return t, err
	}
	for _, write := range order {
		write()
	}
	for file, text := range map[string][]byte{t.names: names.Bytes(), t.gen: gen.Bytes(), t.three: three.Bytes()} {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return t, err
		}
	}
	return t, nil
}

// manifest writes a manifest of a tree to the scratch directory of the tree.
func (t *tree) manifest(name string, lines ...string) (string, error) {
	lines = append([]string{"version: 1", `contents: [{type: tree, src: "` + t.dir + `", dst: /}]`}, lines...)
	return writeManifest(t.scratch, name, lines)
}

func writeManifest(scratch, name string, lines []string) (string, error) {
	file := filepath.Join(scratch, name+".yaml")
	return file, os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}

// image builds an image that is to be read, and returns its path.
func (b *bench) image(t *tree, name string, lines ...string) (string, error) {
	manifest, err := t.manifest(name, lines...)
	if err != nil {
		return "", err
	}
	out := filepath.Join(t.scratch, name+".img")
	return out, b.run(b.mkinitfs, "build", manifest, "-o", out)
}

// archive packs a tree as other tools do, into one archive: theirs end at the first
// trailer, where a plain image of ours has a trailer a member.
func (b *bench) archive(t *tree) (string, error) {
	out := filepath.Join(t.scratch, "one.cpio")
	_, err := b.time(contender{name: "u-root", args: []string{b.uroot}, dir: t.dir, stdin: t.names, stdout: out})
	return out, err
}

const plain = "root: {type: none}\ninit: {exec: /bin/sh}"

func fileSize(file string) (float64, error) {
	info, err := os.Stat(file)
	if err != nil {
		return 0, err
	}
	return float64(info.Size()), nil
}
