package main

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/guest/report"
	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestBootAppended appends an archive. Its directories exist in the root only, and some of
// its files are for the kernel alone. The root has the other files then, and nothing else
// changes.
func TestBootAppended(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	img, _ := buildImage(t, guestManifest(t))
	want := expected(t, img)
	appendTo(t, img, archiveOf(t, "none",
		"etc/site.conf", "sbin/late", // by way of a link
		"initrd.image", "kernel/", "kernel/x86/", "kernel/x86/microcode/", "kernel/x86/microcode/GenuineIntel.bin",
	))
	for _, path := range []string{"/etc/site.conf", "/usr/sbin/late"} {
		want = append(want, report.Entry{
			Path: path, Mode: cpio.TypeFile | 0o640, Nlink: 1, MTime: 5, Size: 2,
			SHA256: "73475cb40a568e8da8a045ced110137e159f890ac4da883b6b17dc651b3a8049",
		})
	}
	slices.SortFunc(want, func(a, b report.Entry) int { return strings.Compare(a.Path, b.Path) })
	got, log := bootGuest(t, img, qemu.Machine{})
	compare(t, want, got)
	_, taken, _ := strings.Cut(log, "mkinitfs: taken over from rootfs: ")
	taken, _, _ = strings.Cut(taken, "\n")
	paths := strings.Fields(taken)
	slices.Sort(paths)
	if want := []string{"/etc/site.conf", "/usr/sbin/late"}; !slices.Equal(paths, want) {
		t.Errorf("the log says that %q were taken over, want %q", paths, want)
	}
	if !strings.Contains(log, "mkinitfs: removed /initrd.image: the kernel could not read the image to its end, and kept a copy of it") {
		t.Errorf("no word about /initrd.image in the log:\n%s", log)
	}
}

// TestBootAppendedLZ4 boots images of several lz4 segments, which the kernel sees as one. The
// archives behind them arrive, too, whatever codec a boot loader's file is in.
func TestBootAppendedLZ4(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	for _, root := range []string{"payload: none", "type: bind", "type: none"} {
		for _, behind := range []string{"gzip none lz4", "gzip", "none", "lz4"} {
			t.Run(root+", "+behind, func(t *testing.T) {
				t.Parallel()
				if root != "payload: none" || behind != "gzip none lz4" {
					testenv.Matrix(t)
				}
				img, built := buildImage(t, guestManifest(t, "root: {"+root+"}", "compress: lz4"))
				if n := len(built.Segments); n < 2 || len(kernelSegments(built.Segments)) != 1 {
					t.Errorf("got %d segments, want several, without zeros between them", n)
				}
				want := expected(t, img)
				for codec := range strings.FieldsSeq(behind) {
					path := "etc/" + codec
					appendTo(t, img, archiveOf(t, codec, path))
					want = append(want, report.Entry{
						Path: "/" + path, Mode: cpio.TypeFile | 0o640, Nlink: 1, MTime: 5, Size: 2,
						SHA256: "73475cb40a568e8da8a045ced110137e159f890ac4da883b6b17dc651b3a8049",
					})
				}
				slices.SortFunc(want, func(a, b report.Entry) int { return strings.Compare(a.Path, b.Path) })
				got, _ := bootGuest(t, img, qemu.Machine{})
				if built.Root != "tmpfs" {
					want = withKernelDir(want, got)
				}
				compare(t, want, got)
			})
		}
	}
}

// archiveOf returns an archive of files with the content "42", and of directories, which end
// with a slash. It is padded to a multiple of 4, as boot loaders do.
func archiveOf(t *testing.T, codec string, names ...string) []byte {
	t.Helper()
	c, err := compress.Lookup(codec)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z, err := c.NewWriter(&packed, compress.Options{})
	if err != nil {
		t.Fatal(err)
	}
	out := cpio.NewWriter(z)
	for _, name := range names {
		h := cpio.Header{Name: name, Mode: cpio.TypeFile | 0o640, Nlink: 1, MTime: 5, Size: 2}
		if dir, ok := strings.CutSuffix(name, "/"); ok {
			h = cpio.Header{Name: dir, Mode: cpio.TypeDir | 0o755, Nlink: 2}
		}
		if err := out.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := io.WriteString(out, "42"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(out.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return append(packed.Bytes(), make([]byte, -packed.Len()&3)...)
}
