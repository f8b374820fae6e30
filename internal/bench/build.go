//go:build linux

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// build packs trees into an archive without compression.
func (b *bench) build() error {
	for _, t := range []*tree{&b.root.tmpfs, &b.root.disk, b.root.modules} {
		if t == nil {
			continue
		}
		if err := b.buildTree(t); err != nil {
			return err
		}
	}
	if err := b.buildTarball(); err != nil {
		return err
	}
	return b.buildHello()
}

func (b *bench) buildTree(t *tree) error {
	manifest, err := t.manifest("none", "compress: none", plain)
	if err != nil {
		return err
	}
	out := filepath.Join(t.scratch, "out.cpio")
	defer os.Remove(out)
	remove := func() error { return removeFile(out) }

	all := []contender{{name: "mkinitfs", args: []string{b.mkinitfs, "build", manifest, "-o", out}, before: remove}}
	add := func(name string, ok bool, c contender) {
		if ok {
			c.name, c.before = name, remove
			all = append(all, c)
		}
	}
	gen, ok := b.fetched("gen_init_cpio")
	add("gen_init_cpio", ok, contender{args: []string{gen, t.gen}, stdout: out})
	three, ok := b.threecpio("--create", out)
	add("3cpio", ok, contender{args: three, stdin: t.three})
	add("u-root", true, contender{args: []string{b.uroot}, dir: t.dir, stdin: t.names, stdout: out})
	for _, name := range []string{"bsdcpio", "cpio"} {
		tool, ok := b.tool(name)
		add(name, ok, contender{args: []string{tool, "-o", "-H", "newc", "--quiet"}, dir: t.dir, stdin: t.names, stdout: out})
	}
	results, err := b.race(all...)
	if err != nil {
		return err
	}
	what := "build, none, " + t.name + ", "
	b.addRace(row{figure: what + "CPU", unit: millis, goal: 1}, results, result.cpu)
	b.addRace(row{figure: what + "wall", unit: millis, goal: 0.9}, results, result.wall)
	b.addRace(row{figure: what + "memory", unit: mebi, limit: 64 << 20}, results, result.peak)
	return nil
}

// addRace adds a figure of a race. Ours is its first contender.
func (b *bench) addRace(r row, results []result, figure func(result) series) {
	r.ours = figure(results[0])
	for _, peer := range results[1:] {
		r.peers = append(r.peers, figure(peer))
	}
	b.table.add(r)
}

// buildTarball packs the root from its tarball, which bsdtar can do too.
func (b *bench) buildTarball() error {
	t := &b.root.tmpfs
	manifest, err := writeManifest(t.scratch, "tarball", []string{
		"version: 1", "compress: none", plain, `contents: [{type: tar, src: "` + b.root.tarball + `"}]`})
	if err != nil {
		return err
	}
	out := filepath.Join(t.scratch, "out.cpio")
	defer os.Remove(out)
	remove := func() error { return removeFile(out) }
	all := []contender{{name: "mkinitfs", args: []string{b.mkinitfs, "build", manifest, "-o", out}, before: remove}}
	if bsdtar, ok := b.tool("bsdtar"); ok {
		all = append(all, contender{name: "bsdtar", args: []string{bsdtar, "--format", "newc", "-cf", out, "@" + b.root.tarball}, before: remove})
	}
	results, err := b.race(all...)
	if err != nil {
		return err
	}
	b.addRace(row{figure: "build, none, root, tarball, CPU", unit: millis}, results, result.cpu)
	b.addRace(row{figure: "build, none, root, tarball, wall", unit: millis}, results, result.wall)
	b.addRace(row{figure: "build, none, root, tarball, memory", unit: mebi, limit: 64 << 20}, results, result.peak)
	return nil
}

// buildHello builds the example, most of which is compiling a Go program.
func (b *bench) buildHello() error {
	out := filepath.Join(b.tmpfs, "hello.img")
	results, err := b.race(contender{name: "mkinitfs", args: []string{b.mkinitfs, "build", "examples/hello/hello.yaml", "-o", out}})
	if err != nil {
		return err
	}
	b.addRace(row{figure: "build, hello, Go's cache warm, wall", unit: millis}, results, result.wall)
	return nil
}

func removeFile(file string) error {
	if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}

// freshBuild returns the command of a build that reuses nothing from earlier builds.
func (b *bench) freshBuild(manifest, out string) []string {
	args := []string{b.mkinitfs, "build", manifest, "-o", out}
	if b.knows("--no-cache", "build") {
		args = append(args, "--no-cache")
	}
	return args
}

// knows reports whether the help of a command has a word.
func (b *bench) knows(word string, command ...string) bool {
	out, _ := exec.CommandContext(b.ctx, b.mkinitfs, append(command, "--help")...).CombinedOutput()
	return strings.Contains(string(out), word)
}
