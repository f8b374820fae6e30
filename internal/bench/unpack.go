//go:build linux

package main

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/mkinitfs/mkinitfs/builder/unpack"
	"github.com/mkinitfs/mkinitfs/compress/zstd"
)

// unpack does the main work of the stub, unpacking members onto a tmpfs. It compares that with
// the floor: decoding the same members into one file each.
func (b *bench) unpack() error {
	defer syscall.Umask(syscall.Umask(0))
	t := &b.root.tmpfs
	for _, codec := range []string{"zstd", "none"} {
		members, err := b.members(t, codec)
		if err != nil {
			return err
		}
		for _, workers := range []int{1, 2} {
			r := row{
				figure: fmt.Sprintf("stub's unpacking, %s, workers: %d", codec, workers), unit: millis, goal: 1.15,
				ours: series{name: "mkinitfs"}, peers: []series{{name: "decode and write"}},
			}
			for range b.runs + 1 {
				for write, to := range map[bool]*series{true: &r.peers[0], false: &r.ours} {
					took, err := b.unpackOnce(members, codec, workers, write)
					if err != nil {
						return err
					}
					to.values = append(to.values, took.Seconds())
				}
			}
			r.ours.values, r.peers[0].values = r.ours.values[1:], r.peers[0].values[1:] // the first one warms
			b.table.add(r)
		}
	}
	return nil
}

// members returns the archives of a plain image, which are those of a nested one, in
// the order in which the stub takes them: the first one, then the largest.
func (b *bench) members(t *tree, codec string) ([][]byte, error) {
	manifest, err := t.manifest("members", "compress: "+codec, plain)
	if err != nil {
		return nil, err
	}
	file := filepath.Join(t.scratch, "members.img")
	out, err := exec.CommandContext(b.ctx, b.mkinitfs, "build", "--json", manifest, "-o", file).Output()
	if err != nil {
		return nil, err
	}
	defer os.Remove(file)
	type segment struct{ Offset, Size, Unpacked int64 }
	var report struct{ Segments []segment }
	if err := json.Unmarshal(out, &report); err != nil {
		return nil, err
	}
	image, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(report.Segments[1:], func(a, b segment) int { return cmp.Compare(b.Unpacked, a.Unpacked) })
	var members [][]byte
	for _, s := range report.Segments {
		members = append(members, image[s.Offset:s.Offset+s.Size])
	}
	return members, nil
}

// unpackOnce unpacks the members as the stub does, the first alone and the others
// side by side, or only writes what is in them.
func (b *bench) unpackOnce(members [][]byte, codec string, workers int, write bool) (time.Duration, error) {
	dir := filepath.Join(b.tmpfs, "unpacked")
	if err := os.Mkdir(dir, 0o755); err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	top, err := os.Open(dir)
	if err != nil {
		return 0, err
	}
	defer top.Close()

	begin := time.Now()
	root := unpack.NewRoot(int(top.Fd()))
	member := func(dec *zstd.Decoder, i int) error {
		var r io.Reader = bytes.NewReader(members[i])
		if codec == "zstd" {
			if err := dec.Reset(r); err != nil {
				return err
			}
			r = dec
		}
		if !write {
			if codec == "zstd" {
				return root.Archive(unpack.NewSource(dec))
			}
			return root.Archive(bufio.NewReaderSize(r, 64<<10))
		}
		f, err := os.Create(filepath.Join(dir, fmt.Sprint(i)))
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.CopyBuffer(struct{ io.Writer }{f}, struct{ io.Reader }{r}, make([]byte, 128<<10))
		return err
	}
	if err := member(zstd.NewDecoder(), 0); err != nil {
		return 0, err
	}
	var next atomic.Int64
	errs := make([]error, workers)
	var done sync.WaitGroup
	for w := range workers {
		done.Go(func() {
			dec := zstd.NewDecoder()
			for errs[w] == nil {
				i := int(next.Add(1))
				if i >= len(members) {
					return
				}
				errs[w] = member(dec, i)
			}
		})
	}
	done.Wait()
	if !write {
		errs = append(errs, root.Finish())
	}
	return time.Since(begin), errors.Join(errs...)
}
