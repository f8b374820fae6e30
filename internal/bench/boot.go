//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
)

// boot boots the root in every way, on one CPU and on two, and its init reports the uptime. It
// then boots each way once more to count instructions, which do not depend on other load on
// the host.
func (b *bench) boot() error {
	kernel, err := b.script("kernel.sh", "amd64")
	if err == nil {
		err = qemu.Machine{Arch: "amd64"}.Runnable()
	}
	if err != nil {
		b.miss("boot: %v", err)
		return nil
	}
	ways, err := b.ways()
	if err != nil {
		return err
	}
	m := qemu.Machine{Arch: "amd64", Kernel: kernel, MemoryMiB: 1024, Timeout: 5 * time.Minute, Expect: uptime}
	for _, m.CPUs = range []int{1, 2} {
		took, err := b.boots(m, ways, b.runs)
		if err != nil {
			return err
		}
		for i, way := range ways[1:] {
			b.table.add(row{
				figure: fmt.Sprintf("boot, %s, CPUs: %d", way.name, m.CPUs), unit: seconds, goal: way.goals[m.CPUs-1],
				ours: took[i+1], peers: took[:1],
			})
		}
	}
	m.CPUs, m.Counted = 1, true
	counted, err := b.boots(m, ways, 1)
	if err != nil {
		return err
	}
	for i, way := range ways[1:] {
		b.table.add(row{figure: "boot, " + way.name + ", instructions", unit: giga, ours: counted[i+1], peers: counted[:1]})
	}
	return nil
}

// boots boots every way in turn, and returns what their inits say.
func (b *bench) boots(m qemu.Machine, ways []way, runs int) ([]series, error) {
	took := make([]series, len(ways))
	for round := range runs {
		for i := range ways {
			i = (i + round) % len(ways)
			m.Image = ways[i].image
			seconds, err := b.bootOnce(m)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", ways[i].name, err)
			}
			took[i].name = ways[i].name
			took[i].values = append(took[i].values, seconds)
		}
	}
	return took, nil
}

// way is a way to the real init, with the longest time that it may take relative to the first,
// a plain initramfs, on one CPU and on two.
type way struct {
	name  string
	image string
	goals [2]float64
}

// busyboxInit is how others get their root off rootfs.
const busyboxInit = `#!/bin/busybox sh
/bin/busybox mkdir /newroot
/bin/busybox mount -t tmpfs -o size=80% tmpfs /newroot
for name in /*; do
	[ "$name" = /newroot ] || /bin/busybox cp -a "$name" /newroot
done
exec /bin/busybox switch_root /newroot /sbin/bench
`

func (b *bench) ways() ([]way, error) {
	guest, err := b.compile("internal/bench/guest")
	if err != nil {
		return nil, err
	}
	script := filepath.Join(b.disk, "busybox-init")
	if err := os.WriteFile(script, []byte(busyboxInit), 0o755); err != nil {
		return nil, err
	}
	ways := []way{
		{name: "plain"},
		{name: "tmpfs", goals: [2]float64{1.40, 1.05}},
		{name: "bind", goals: [2]float64{1.05, 1.05}},
		{name: "payload none", goals: [2]float64{1.5, 0}},
		{name: "busybox cp -a, switch_root"},
	}
	roots := []string{
		"root: {type: none}\ncompress: zstd",
		"root: {payload: zstd}\ncompress: zstd",
		"root: {type: bind}\ncompress: zstd",
		"root: {payload: none}\ncompress: zstd",
		"root: {type: none}\ncompress: zstd",
	}
	for i := range ways {
		contents := []string{
			"contents:",
			`  - {type: tree, src: "` + b.root.tmpfs.dir + `", dst: /}`,
			`  - {type: file, src: "` + guest + `", dst: /sbin/bench, mode: 0755}`,
		}
		if i == len(ways)-1 {
			contents = append(contents, `  - {type: file, src: "`+script+`", dst: /init, mode: 0755}`)
		}
		manifest, err := writeManifest(b.tmpfs, "boot", append(contents, "version: 1", "init: {exec: /sbin/bench}", roots[i]))
		if err != nil {
			return nil, err
		}
		ways[i].image = filepath.Join(b.tmpfs, fmt.Sprintf("boot%d.img", i))
		if err := b.run(b.mkinitfs, "build", manifest, "-o", ways[i].image); err != nil {
			return nil, err
		}
	}
	return ways, nil
}

var uptime = regexp.MustCompile(`uptime (\d+) ns`)

func (b *bench) bootOnce(m qemu.Machine) (float64, error) {
	result, err := m.Boot(b.ctx)
	if err == nil {
		err = result.Err()
	}
	if err != nil {
		return 0, err
	}
	ns, err := strconv.ParseFloat(string(uptime.FindSubmatch(result.Output)[1]), 64)
	return ns / 1e9, err
}
