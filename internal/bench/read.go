//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
)

// readable is an image to be read: of ours, and the one that peers get instead.
type readable struct {
	name  string
	ours  string
	peers string
	codec string
}

// unpackers are the system's tools, by codec; GNU cpio gets their output.
var unpackers = map[string]string{"zstd": "zstd -qdc", "xz": "xz -dc", "gzip": "gzip -dc"}

// readables makes the images of the root on the tmpfs: raw, compressed as one stream by the C
// tool of the codec, as other tools do, and ours with compressed members. Peers cannot read
// the members, so they read the image before.
func (b *bench) readables() ([]readable, error) {
	if b.images != nil {
		return b.images, nil
	}
	t := &b.root.tmpfs
	raw, err := b.archive(t)
	if err != nil {
		return nil, err
	}
	all := []readable{{"raw", raw, raw, "none"}}
	for _, c := range []struct{ codec, ours, tool string }{
		{"zstd", "zstd", "zstd -qT0 -9"},
		{"xz", "xz:1", "xz -T0 -1 --check=crc32"}, // more takes minutes here, and as long to read
		{"gzip", "gzip", "gzip -6"},
	} {
		stream := filepath.Join(t.scratch, "stream."+c.codec)
		if err := b.run("sh", "-c", c.tool+" <"+raw+" >"+stream); err != nil {
			b.miss("%v", err)
			continue
		}
		nested, err := b.image(t, "nested-"+c.codec, "compress: "+c.codec, "root: {payload: "+c.ours+"}", "init: {exec: /bin/sh}")
		if err != nil {
			return nil, err
		}
		all = append(all, readable{c.codec, stream, stream, c.codec}, readable{c.codec + ", members", nested, stream, c.codec})
	}
	b.images = all
	return all, nil
}

// list lists images, each to /dev/null. lsinitramfs reads a raw one by several
// processes an entry, for minutes, and then in vain.
func (b *bench) list() error {
	images, err := b.readables()
	if err != nil {
		return err
	}
	for _, img := range images {
		all := []contender{{name: "mkinitfs", args: []string{b.mkinitfs, "list", img.ours}}}
		if tool, ok := b.tool("bsdcpio"); ok {
			all = append(all, contender{name: "bsdcpio", args: []string{tool, "-it", "--quiet"}, stdin: img.peers})
		}
		if tool, ok := b.tool("cpio"); ok {
			all = append(all, gnu(tool+" -it --quiet", img))
		}
		if three, ok := b.threecpio("--list", img.peers); ok {
			all = append(all, contender{name: "3cpio", args: three})
		}
		if tools, ok := b.fetched("initramfs", "usr/bin"); ok && img.codec != "none" {
			all = append(all, contender{name: "lsinitramfs", args: []string{tools + "/lsinitramfs", img.peers}, env: path(tools)})
		}
		results, err := b.race(all...)
		if err != nil {
			return err
		}
		r := row{figure: "list, " + img.name + ", wall", unit: millis}
		if img.codec == "none" || img.ours != img.peers {
			r.goal = 0.6
		}
		b.addRace(r, results, result.wall)
	}
	return nil
}

// gnu has GNU cpio read an image.
func gnu(command string, img readable) contender {
	if img.codec != "none" {
		command = unpackers[img.codec] + " | " + command
	}
	return contender{name: "cpio", args: []string{"/bin/sh", "-c", command}, stdin: img.peers}
}

// path puts a directory before PATH: lsinitramfs calls unmkinitramfs.
func path(dir string) []string { return []string{"PATH=" + dir + ":" + os.Getenv("PATH")} }

// extract unpacks images into a new directory of the tmpfs.
func (b *bench) extract() error {
	images, err := b.readables()
	if err != nil {
		return err
	}
	dir := filepath.Join(b.tmpfs, "extracted")
	defer os.RemoveAll(dir)
	for _, img := range images {
		all := []contender{{name: "mkinitfs", args: []string{b.mkinitfs, "extract", img.ours, dir}}}
		if three, ok := b.threecpio("--extract", "-C", dir, img.peers); ok {
			all = append(all, contender{name: "3cpio", args: three})
		}
		if tool, ok := b.tool("bsdcpio"); ok {
			all = append(all, contender{name: "bsdcpio", args: []string{tool, "-idm", "--quiet"}, dir: dir, stdin: img.peers})
		}
		if tool, ok := b.tool("cpio"); ok {
			c := gnu(tool+" -idm --quiet", img)
			c.dir = dir
			all = append(all, c)
		}
		if tools, ok := b.fetched("initramfs", "usr/bin"); ok && img.codec != "none" {
			all = append(all, contender{name: "unmkinitramfs", args: []string{tools + "/unmkinitramfs", img.peers, dir}, env: path(tools)})
		}
		for i := range all {
			all[i].before = func() error {
				if err := os.RemoveAll(dir); err != nil {
					return err
				}
				return os.Mkdir(dir, 0o755)
			}
		}
		results, err := b.race(all...)
		if err != nil {
			return err
		}
		b.addRace(row{figure: fmt.Sprintf("extract, %s, tmpfs, wall", img.name), unit: millis, against: "3cpio", goal: 0.7}, results, result.wall)
	}
	return nil
}
