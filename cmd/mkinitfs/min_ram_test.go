package main

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/internal/guest/report"
	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestBootMinRAM boots in as much RAM as the build report asks for. In "make test-all" it
// also finds the smallest sufficient RAM, which must be close to min_ram.
func TestBootMinRAM(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	// Half of it does not compress.
	large := func(size int) string {
		data := make([]byte, size)
		rand.NewChaCha8([32]byte{3}).Read(data[:size/2])
		file := filepath.Join(t.TempDir(), "large")
		writeFile(t, file, data)
		return "  - {type: file, src: \"" + file + "\", dst: /large}"
	}
	tests := []struct {
		name, kernel string
		always       bool
		manifest     func(t *testing.T) string
	}{
		{name: "small", manifest: func(t *testing.T) string { return guestManifest(t) }},
		{name: "small, bind", manifest: func(t *testing.T) string { return guestManifest(t, "root: {type: bind}") }},
		{name: "small, mipsle", kernel: "mipsle", manifest: func(t *testing.T) string { return guestManifest(t, "arch: mipsle") }},
		{name: "large file alone", always: true, manifest: func(t *testing.T) string { return guestManifest(t, large(80<<20)) }},
		{name: "large file first", manifest: func(t *testing.T) string { return sizedManifest(t, 800, large(80<<20)) }},
		{name: "large file, lz4", manifest: func(t *testing.T) string { return guestManifest(t, large(80<<20), "root: {payload: lz4}") }},
		{name: "large file, none", manifest: func(t *testing.T) string { return guestManifest(t, large(80<<20), "root: {payload: none}") }},
		{name: "large file, bind, xz", manifest: func(t *testing.T) string {
			return guestManifest(t, large(40<<20), "root: {type: bind}", "compress: xz:9")
		}},
		{name: "large dictionary", manifest: func(t *testing.T) string {
			return guestManifest(t, "compress: {command: ["+testenv.Tool(t, "xz")+", --check=crc32, --lzma2=dict=64MiB]}")
		}},
	}
	for _, root := range []string{"{}", "{payload: gzip}", "{payload: lz4}", "{payload: none}", "{type: bind}", "{type: none}"} {
		for _, outer := range []string{"gzip", "zstd", "lz4"} {
			if outer != "gzip" && strings.Contains(root, "payload") {
				continue // everything is in members then, except for the stub
			}
			tests = append(tests, struct {
				name, kernel string
				always       bool
				manifest     func(t *testing.T) string
			}{name: "debian " + root + " " + outer, manifest: func(t *testing.T) string {
				return debianManifest(t, "init: {exec: /sbin/guest}", "root: "+root, "compress: "+outer)
			}})
		}
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if !test.always {
				testenv.Matrix(t)
			}
			m := qemu.Machine{CPUs: 2}
			if test.kernel != "" {
				m = qemu.Machine{Arch: test.kernel, Kernel: testenv.Kernel(t, test.kernel)}
			}
			img, built := buildImage(t, test.manifest(t))
			want := expected(t, img)
			asked := int(built.MinRAM.Debian >> 20)
			if m.MemoryMiB = asked; !arrives(t, img, m, want, built.Root) {
				t.Fatalf("the root did not arrive in %d MiB", asked)
			}
			if test.always {
				return
			}
			// Some kernels wait for memory forever.
			m.Timeout = 2 * time.Minute
			least, less := asked, asked*100/115
			if m.MemoryMiB = less; arrives(t, img, m, want, built.Root) {
				t.Fatalf("the report asks for %d MiB, %d do", asked, less)
			}
			for least-less > 4 {
				m.MemoryMiB = (least + less) / 2
				if arrives(t, img, m, want, built.Root) {
					least = m.MemoryMiB
				} else {
					less = m.MemoryMiB
				}
			}
			t.Logf("%d MiB asked, %d arrive, %d do not", asked, least, less)
		})
	}
}

// arrives reports whether the whole root arrives in a machine that may be too small.
func arrives(t *testing.T, img string, m qemu.Machine, want []report.Entry, root string) bool {
	t.Helper()
	nonce := fmt.Sprint(rand.Uint64())
	m.Append = "mkinitfs.nonce=" + nonce
	result := boot(t, img, m)
	got, err := report.Parse(result.Output, nonce)
	if err != nil || result.Err() != nil {
		return false
	}
	hasRoot := slices.ContainsFunc(want, func(e report.Entry) bool { return e.Path == "/root" })
	if root != "tmpfs" && !hasRoot {
		want = withKernelDir(want, got)
	}
	key := func(entries []report.Entry) (keys []string) {
		for _, e := range entries {
			cut := e.Mode&cpio.TypeMask == cpio.TypeFile && e.Blocks != 0 && e.Blocks*512 < e.Size
			keys = append(keys, fmt.Sprint(e.Path, " ", e.Size, " ", e.SHA256, " ", cut))
		}
		return keys
	}
	return cmp.Diff(key(want), key(got.Entries)) == ""
}
