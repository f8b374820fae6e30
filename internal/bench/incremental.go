//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// incremental repeats a build after no change and after a change of one file, and compares it
// with a build of everything.
func (b *bench) incremental() error {
	if !b.knows("--no-cache", "build") {
		b.miss("incremental builds: this mkinitfs keeps no members")
		return nil
	}
	gocache, err := exec.CommandContext(b.ctx, "go", "env", "GOCACHE").Output() // which is not to be empty too
	if err != nil {
		return err
	}
	env := []string{"XDG_CACHE_HOME=" + filepath.Join(b.disk, "cache"), "GOCACHE=" + strings.TrimSpace(string(gocache))}
	t := &b.root.tmpfs
	changing := filepath.Join(b.tmpfs, "changing")
	out := filepath.Join(b.tmpfs, "out.img")
	defer os.Remove(out)
	for _, codec := range []string{"zstd", "gzip"} {
		manifest, err := writeManifest(t.scratch, "incremental", []string{
			"version: 1", "root: {payload: " + codec + "}", "init: {exec: /bin/sh}", "contents:",
			`  - {type: tree, src: "` + t.dir + `", dst: /}`,
			`  - {type: file, src: "` + changing + `", dst: /usr/share/doc/changing}`,
		})
		if err != nil {
			return err
		}
		change := func() error {
			return os.WriteFile(changing, []byte(strings.Repeat(time.Now().String(), 1000)), 0o644)
		}
		if err := change(); err != nil {
			return err
		}
		args := []string{b.mkinitfs, "build", manifest, "-o", out}
		full := contender{name: "full", args: append(args[:len(args):len(args)], "--no-cache"), env: env}
		same := contender{name: "nothing changed", args: args, env: env}
		one := contender{name: "one file changed", args: args, env: env, before: change}
		for _, c := range []contender{same, one} {
			results, err := b.race(full, c)
			if err != nil {
				return err
			}
			if len(results) < 2 {
				return fmt.Errorf("%s: failed", c.name)
			}
			b.table.add(row{
				figure: fmt.Sprintf("build, %s, %s, wall", codec, c.name), unit: millis, goal: 0.25,
				ours: results[1].wall(), peers: []series{results[0].wall()},
			})
		}
	}
	return nil
}
