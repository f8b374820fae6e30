//go:build linux

package main

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/unpack"
	"github.com/mkinitfs/mkinitfs/compress"
)

// entry is an entry of an archive with its body.
type entry struct {
	cpio.Header
	body string
}

func newEntry(name string, mode uint32, body string) entry {
	return entry{cpio.Header{
		Name: name, Mode: mode, Nlink: 1, MTime: 1000, UID: uint32(os.Getuid()), GID: uint32(os.Getgid()), Size: int64(len(body)),
	}, body}
}

// archive returns a raw archive.
func archive(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := cpio.NewWriter(&b)
	for _, e := range entries {
		if err := w.WriteHeader(&e.Header); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, e.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// pack compresses a member and returns what the plan says of it.
func pack(t testing.TB, codec string, raw []byte) ([]byte, bootplan.Member) {
	t.Helper()
	c, err := compress.Lookup(codec)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := c.NewWriter(&b, compress.Options{Size: int64(len(raw))})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	m := bootplan.Member{Packed: int64(b.Len()), Unpacked: int64(len(raw))}
	if !c.Checked {
		m.CRC32 = fmt.Sprintf("%08x", crc32.ChecksumIEEE(b.Bytes()))
	}
	return b.Bytes(), m
}

// The tests run with the decoder that the build tags select.
func TestUnpackMember(t *testing.T) {
	raw := archive(t,
		newEntry(".", syscall.S_IFDIR|0o755, ""),
		newEntry("etc", syscall.S_IFDIR|0o700, ""),
		newEntry("etc/motd", syscall.S_IFREG|0o644, strings.Repeat("hello ", 4000)),
	)
	for _, c := range []struct {
		what string
		make func() ([]byte, bootplan.Member)
		want string // in the error; "" if it is unpacked
	}{
		{"whole", func() ([]byte, bootplan.Member) { return pack(t, codec, raw) }, ""},
		{"short file", func() ([]byte, bootplan.Member) {
			data, m := pack(t, codec, raw)
			return data[:len(data)-1], m
		}, fmt.Sprintf("has %d bytes, the plan says %d", packedSize(t, raw)-1, packedSize(t, raw))},
		{"long file", func() ([]byte, bootplan.Member) {
			data, m := pack(t, codec, raw)
			return append(data, 0), m
		}, fmt.Sprintf("has %d bytes, the plan says %d", packedSize(t, raw)+1, packedSize(t, raw))},
		{"cut short by a full rootfs", func() ([]byte, bootplan.Member) {
			data, m := pack(t, codec, raw)
			clear(data[len(data)/2:])
			return data, m
		}, someError},
		{"one bit", func() ([]byte, bootplan.Member) {
			data, m := pack(t, codec, raw)
			data[len(data)/2] ^= 1
			return data, m
		}, someError},
		{"unpacks to less", func() ([]byte, bootplan.Member) {
			data, m := pack(t, codec, raw)
			m.Unpacked++
			return data, m
		}, fmt.Sprintf("unpacks to %d bytes, the plan says %d", len(raw), len(raw)+1)},
		{"junk behind the archive", func() ([]byte, bootplan.Member) {
			data, m := pack(t, codec, append(bytes.Clone(raw), "junk"...))
			m.Unpacked = int64(len(raw))
			return data, m
		}, fmt.Sprintf("unpacks to %d bytes, the plan says %d", len(raw)+4, len(raw))},
		{"no trailer", func() ([]byte, bootplan.Member) { return pack(t, codec, raw[:int64(len(raw))-cpio.TrailerSize]) }, "cpio: "},
		{"no archive", func() ([]byte, bootplan.Member) { return pack(t, codec, bytes.Repeat([]byte("?"), 200)) }, "bad magic"},
		{"nothing", func() ([]byte, bootplan.Member) { return pack(t, codec, nil) }, "cpio: "},
	} {
		t.Run(c.what, func(t *testing.T) {
			data, m := c.make()
			path := filepath.Join(t.TempDir(), "root.0000")
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			err := unpackMember(openRoot(t, dir), newDecoder(), path, m)
			if c.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				want := []string{"100644 1000 /etc/motd " + strings.Repeat("hello ", 4000)}
				if diff := cmp.Diff(want, describe(t, dir)[2:]); diff != "" { // directories wait for Finish
					t.Errorf("-want +got\n%s", diff)
				}
			} else if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want %q in it", err, c.want)
			}
		})
	}
	if err := unpackMember(openRoot(t, t.TempDir()), newDecoder(), t.TempDir()+"/none", bootplan.Member{}); err != syscall.ENOENT {
		t.Errorf("a member that is missing: got %v, want %v", err, syscall.ENOENT)
	}
}

// someError is part of every error: the words are the codec's.
const someError = " "

// One decoder takes one member after another, and one that is damaged between.
func TestDecoderAgain(t *testing.T) {
	dec := newDecoder()
	dir := t.TempDir()
	for i, damaged := range []bool{false, true, false, false} {
		data, m := pack(t, codec, archive(t, newEntry(fmt.Sprintf("file%d", i), syscall.S_IFREG|0o600, "text")))
		if damaged {
			clear(data)
		}
		path := filepath.Join(t.TempDir(), "member")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := unpackMember(openRoot(t, dir), dec, path, m); (err != nil) != damaged {
			t.Errorf("member %d: got error %v, want one: %v", i, err, damaged)
		}
	}
}

func TestSum(t *testing.T) {
	if _, ok := newDecoder().(summer); !ok {
		t.Skip("the codec " + codec + " has a check of its own")
	}
	raw := archive(t, newEntry("motd", syscall.S_IFREG|0o644, "hello"))
	data, m := pack(t, codec, raw)
	sum := m.CRC32
	for _, wrong := range []string{"", "00000000"} {
		path := filepath.Join(t.TempDir(), "root.0000")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		m.CRC32 = wrong
		err := unpackMember(openRoot(t, t.TempDir()), newDecoder(), path, m)
		if want := "CRC-32 is " + sum + ", the plan says " + wrong; err == nil || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
}

func packedSize(t *testing.T, raw []byte) int {
	t.Helper()
	data, _ := pack(t, codec, raw)
	return len(data)
}

func openRoot(t *testing.T, dir string) *unpack.Root {
	t.Helper()
	fd, err := syscall.Open(dir, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { syscall.Close(fd) })
	return unpack.NewRoot(fd)
}

func TestLargestFirst(t *testing.T) {
	b := boot{plan: &bootplan.Plan{}}
	for _, n := range []int64{5, 3, 7, 3, 9, 0} {
		b.plan.Members = append(b.plan.Members, bootplan.Member{Unpacked: n})
	}
	if got, want := b.largestFirst(), []int{4, 2, 1, 3, 5}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v: the first is unpacked before, the others from large to small", got, want)
	}
}
