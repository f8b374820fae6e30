//go:build linux

package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/mkinitfs/mkinitfs/compress"
)

// compressors has a row for each codec: our levels, each of another strength, and
// the C tool with its levels.
var compressors = []struct {
	codec       string
	levels      []int
	tool        []string
	least, most int
}{
	{"zstd", []int{1, 3, 9, 19}, []string{"zstd", "-qcT0"}, 1, 19},
	{"gzip", []int{9}, []string{"pigz", "-c"}, 1, 9},
	{"lz4", []int{1, 9}, []string{"lz4", "-qlc"}, 1, 9},
	{"xz", []int{1, 6}, []string{"xz", "-cT0", "--check=crc32"}, 0, 6},
}

// compress packs the root on the tmpfs with each codec, beside the codec's C tool,
// which gets the archive ready-made and makes one stream of it on all cores.
func (b *bench) compress() error {
	t := &b.root.tmpfs
	archive, err := b.archive(t)
	if err != nil {
		return err
	}
	defer os.Remove(archive)
	for _, c := range compressors {
		var ok bool
		if c.tool[0] == "pigz" {
			c.tool[0], ok = b.fetched("initramfs", "usr/bin/pigz")
		} else {
			c.tool[0], ok = b.tool(c.tool[0])
		}
		if !ok {
			c.tool = nil
		}
		for _, level := range c.levels {
			next, err := b.compressAt(t, archive, c.codec, level, c.tool, c.least, c.most)
			if err != nil {
				return err
			}
			c.least = next // a higher level of ours wants no lower one of the tool
		}
	}
	return nil
}

// compressAt adds the times of one level of ours on all cores and on one. It returns the level
// of the tool that it was compared with.
func (b *bench) compressAt(t *tree, archive, codec string, level int, tool []string, least, most int) (int, error) {
	name := fmt.Sprintf("%s:%d", codec, level)
	manifest, err := t.manifest(codec, "compress: "+name, plain)
	if err != nil {
		return 0, err
	}
	out := filepath.Join(b.tmpfs, "out.img")
	defer os.Remove(out)
	ours := contender{name: "mkinitfs", args: b.freshBuild(manifest, out)}
	if _, err := b.time(ours); err != nil {
		return 0, err
	}
	size, err := fileSize(out)
	if err != nil {
		return 0, err
	}
	ours.warm = true
	alone := ours
	alone.name, alone.env = "on one core", []string{"GOMAXPROCS=1"}
	all := []contender{ours, alone}

	var peerSize series
	if tool != nil {
		var peer contender
		if peer, peerSize.values, least, err = b.nearest(archive, size, tool, least, most); err != nil {
			return 0, err
		}
		peerSize.name, peer.warm = peer.name, true
		all = append(all, peer)
		defer os.Remove(peer.stdout)
	}
	results, err := b.race(all...)
	if err != nil {
		return 0, err
	}
	what := "build, " + name + ", "
	scaling := row{figure: what + "wall on " + fmt.Sprint(runtime.NumCPU()) + " cores", unit: seconds, ours: results[0].wall(), peers: []series{results[1].wall()}}
	if runtime.NumCPU() > 1 {
		scaling.goal = 0.6
	}
	b.table.add(scaling)
	whole, err := unsplit(archive, codec, level)
	if err != nil {
		return 0, err
	}
	b.table.add(row{figure: what + "bytes", unit: mega, goal: 1.01, ours: one("mkinitfs", size), peers: []series{one("one stream", whole)}})
	if len(results) > 2 {
		b.addRace(row{figure: what + "wall", unit: seconds}, []result{results[0], results[2]}, result.wall)
		b.table.add(row{figure: what + "bytes", unit: mega, ours: one("mkinitfs", size), peers: []series{peerSize}})
	}
	return least, nil
}

// nearest returns the first level of a tool with an output no larger than size, or the level
// before if that is closer.
func (b *bench) nearest(archive string, size float64, tool []string, least, most int) (contender, []float64, int, error) {
	var before contender
	var beforeSize float64
	for level := least; ; level++ {
		args := append(tool[:len(tool):len(tool)], fmt.Sprintf("-%d", level))
		c := contender{name: fmt.Sprintf("%s -%d", filepath.Base(tool[0]), level), args: args, stdin: archive, stdout: filepath.Join(b.tmpfs, "peer.out")}
		if _, err := b.time(c); err != nil {
			return c, nil, 0, err
		}
		got, err := fileSize(c.stdout)
		if err != nil {
			return c, nil, 0, err
		}
		switch {
		case got <= size && level > least && beforeSize-size < size-got:
			return before, []float64{beforeSize}, level - 1, nil
		case got <= size || level == most:
			return c, []float64{got}, level, nil
		}
		before, beforeSize = c, got
	}
}

// unsplit returns the size of the archive as one stream of our encoder.
func unsplit(archive, codec string, level int) (float64, error) {
	c, err := compress.Lookup(codec)
	if err != nil {
		return 0, err
	}
	f, err := os.Open(archive)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	var n count
	w, err := c.NewWriter(&n, compress.Options{Level: level, Size: info.Size()})
	if err == nil {
		_, err = io.Copy(w, f)
	}
	if err == nil {
		err = w.Close()
	}
	return float64(n), err
}

// count counts what is written to it.
type count int64

func (c *count) Write(p []byte) (int, error) {
	*c += count(len(p))
	return len(p), nil
}
