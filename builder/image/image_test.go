package image

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/compress"
)

// Which neighbours the kernel takes, for each pair of codecs and each padding.
func TestPairs(t *testing.T) {
	a, b := archive(t, "dir/", "dir/a=first"), archive(t, "b=second")
	for _, first := range compress.Names() {
		for _, second := range compress.Names() {
			for _, pad := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 512} {
				data := append(pack(t, first, a), make([]byte, pad)...)
				offset := len(data)
				data = append(data, pack(t, second, b)...)
				data = append(data, make([]byte, pad%4)...)

				aligned := offset%4 == 0 || first != "none" && second != "none"
				found := first != "lz4" || pad >= 4
				merged := first == "lz4" && second == "lz4" && pad == 0
				want := []string{"0 dir", "0 dir/a=first", "1 b=second"}
				if merged {
					want[2] = "0 b=second"
				}

				got, info, err := walk(data)
				if takes := aligned && found || merged; takes != (err == nil) {
					t.Errorf("%s, %d zeros, %s: got error %v, want one: %v", first, pad, second, err, !takes)
				}
				if err != nil {
					continue
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s, %d zeros, %s: -want +got\n%s", first, pad, second, diff)
				}
				if info.Size != int64(len(data)) {
					t.Errorf("%s, %d zeros, %s: got size %d, want %d", first, pad, second, info.Size, len(data))
				}
			}
		}
	}
}

func TestSegments(t *testing.T) {
	boot := archive(t, ".mkinitfs/", planFor(t), "init=stub")
	early := archive(t, "kernel/")
	z := pack(t, "gzip", boot)
	data := join(t, early, z, archive(t))
	info, err := Walk(iotest.OneByteReader(bytes.NewReader(data)), func(*Entry, io.Reader) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	last := int64(len(data) - len(archive(t)))
	want := &Info{
		Segments: []Segment{
			{0, 0, int64(len(early)), "none", 1, int64(len(early)), true},
			{1, int64(len(early)), int64(len(z)), "gzip", 3, int64(len(boot)), true},
			{2, last, int64(len(data)) - last, "none", 0, int64(len(archive(t))), true},
		},
		Size: int64(len(data)),
		Plan: []byte(strings.TrimPrefix(planFor(t), ".mkinitfs/plan=")),
	}
	if diff := cmp.Diff(want, info); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestMembers(t *testing.T) {
	for _, codec := range compress.Names() {
		got, info, err := walk(nested(t, codec))
		if err != nil {
			t.Fatalf("%s: %v", codec, err)
		}
		want := []string{
			"0 dev", "0 .mkinitfs", "0 " + planFor(t, nestedMembers(t, codec)...), "0 init=stub",
			"1 .mkinitfs/root.0000",
			"1 root.0000 .", "1 root.0000 etc", "1 root.0000 bin", "1 root.0000 init=sbin/init",
			"1 .mkinitfs/root.0001",
			"1 root.0001 etc/hosts=localhost\n", "1 root.0001 bin/sh", "1 root.0001 bin/ls@bin/sh",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", codec, diff)
		}
		if got, want := info.Segments[1].Entries, 2; got != want {
			t.Errorf("%s: got %d entries in the payload, want %d", codec, got, want)
		}
	}
}

// A visitor that reads a member has it for itself, and can walk it.
func TestMemberTaken(t *testing.T) {
	var names []string
	var sum [sha256.Size]byte
	_, err := Walk(bytes.NewReader(nested(t, "zstd")), func(e *Entry, body io.Reader) error {
		names = append(names, e.Name)
		if memberName(e) != "root.0000" {
			return nil
		}
		h := sha256.New()
		_, err := Walk(io.TeeReader(body, h), func(e *Entry, _ io.Reader) error {
			names = append(names, "taken "+e.Name)
			return nil
		})
		h.Sum(sum[:0])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"dev", ".mkinitfs", ".mkinitfs/plan", "init",
		".mkinitfs/root.0000", "taken .", "taken etc", "taken bin", "taken init",
		".mkinitfs/root.0001", "etc/hosts", "bin/sh", "bin/ls",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got, want := sum, sha256.Sum256(nestedMembers(t, "zstd")[0]); got != want {
		t.Errorf("got sum %x, want %x", got, want)
	}
}

func TestErrors(t *testing.T) {
	raw := archive(t, "a=some content") // 124 bytes and a trailer of 124
	z := pack(t, "gzip", raw)
	bad := bytes.Clone(z)
	bad[len(bad)-8] ^= 1 // of the sum
	rebuilt := func(member []byte) []byte {
		return join(t, raw, archive(t, ".mkinitfs/root.0001="+string(member)))
	}
	half := raw[:118] // within the content
	for _, test := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "no archive in it"},
		{"zeros", make([]byte, 1<<20), "no archive in it"},
		{"not an image", []byte("hello, world"), `not an image: begins with "hello,", which is no known archive`},
		{"odc", []byte("070707000000"), "not an image: a cpio archive of the old character format, where the kernel wants newc: write it with cpio -H newc"},
		{"junk at the end", join(t, raw, z, []byte("\x1f\x8bjunk"))[:len(join(t, raw, z))+5], "segment 2 at 0x15c: gzip: unexpected EOF: cut short"},
		{"cut in a stream", z[:len(z)-1], "segment 0 at 0x0: gzip: unexpected EOF: cut short"},
		{"bad sum", pack(t, "zstd", raw)[:40], "segment 0 at 0x0: zstd: unexpected EOF: cut short"},
		{"cut in a packed body", pack(t, "zstd", half), "segment 0 at 0x0: cpio: offset 118: unexpected end of archive"},
		{"cut in a packed header", pack(t, "zstd", raw[:160]), "segment 0 at 0x0: cpio: offset 124: unexpected end of archive"},
		{"one entry in two streams", join(t, pack(t, "gzip", half), pack(t, "gzip", raw[118:])), "segment 0 at 0x0: cpio: offset 118: unexpected end of archive"},
		{"empty stream", pack(t, "xz", nil), "segment 0 at 0x0: no archive in it"},
		{"compressed twice", pack(t, "gzip", z), "segment 0 at 0x0: 0 bytes into the unpacked stream: compressed twice"},
		{"junk in a stream", pack(t, "gzip", append(bytes.Clone(raw), "junk.."...)), `segment 0 at 0x0: 248 bytes into the unpacked stream: begins with "junk..", which is no known archive`},
		{"lz4 frame", []byte("\x04\x22\x4d\x18xxxx"), "segment 0 at 0x0: lz4-frame: unexpected EOF: cut short"},
		{"raw at 2", append([]byte{0, 0}, raw...), "segment 0 at 0x2: a raw archive has to begin at a multiple of 4"},
		{"bad member", rebuilt(pack(t, "none", append(bytes.Clone(raw[:124]), "bad header"...))), "segment 1 at 0xf8: root.0001: cpio: offset 124: unexpected end of archive"},
		{"damaged member", rebuilt(bad), "segment 1 at 0xf8: root.0001: gzip: checksum does not match"},
		{"empty member", rebuilt(nil), "segment 1 at 0xf8: root.0001: no archive in it"},
		{"member of nothing", rebuilt(pack(t, "zstd", nil)), "segment 1 at 0xf8: root.0001: no archive in it"},
		{"junk in a member", rebuilt(append(bytes.Clone(z), '!')), "segment 1 at 0xf8: root.0001: junk behind its archive"},
		{"cut in a member", rebuilt(z)[:400], "segment 1 at 0xf8: root.0001: gzip: unexpected EOF: cut short"},
		{"members without a plan", rebuilt(z), "not whole: it has members of a root, but the boot plan is missing"},
	} {
		_, _, err := walk(test.data)
		if got := fmt.Sprint(err); got != test.want {
			t.Errorf("%s:\ngot  %s\nwant %s", test.name, got, test.want)
		}
	}
}

// Erased flash behind an image is all 0xff. Other bytes are junk, those that are no text
// too.
func TestJunkIsNotFlash(t *testing.T) {
	for tail, want := range map[string]string{
		"\xff\xff\xff\xff":         "",
		"\xff\x00\xff\xff":         "",
		"\xee\xdb\x80\x81":         "no known archive",
		"\xff\xff\xee\xff\xff\xff": "no known archive",
	} {
		_, err := Walk(bytes.NewReader(append(archive(t, "a=1"), tail...)), func(*Entry, io.Reader) error { return nil })
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got %v, want %q", tail, err, want)
		}
	}
}

// Wherever an image of ours is cut, a walk fails.
func TestTruncated(t *testing.T) {
	data := nested(t, "zstd")
	trailing := 3                                // zeros that end the last archive and may be missing
	trailer := len(data) - int(cpio.TrailerSize) // which may be missing, with the padding before it
	for n := range len(data) - trailing {
		if trailer-trailing <= n && n <= trailer {
			continue // nothing is lost
		}
		if _, _, err := walk(data[:n]); err == nil || strings.HasPrefix(err.Error(), "-pipe") {
			t.Errorf("%d of %d bytes: got error %v, want one", n, len(data), err)
		}
	}
}

// What a visitor cannot do is its own error; what cannot be read is the image's.
func TestVisitorErrors(t *testing.T) {
	errFull := errors.New("disk full")
	_, err := Walk(bytes.NewReader(nested(t, "zstd")), func(e *Entry, _ io.Reader) error {
		if e.Member != "" {
			return errFull
		}
		return nil
	})
	if err != errFull {
		t.Errorf("got %v, want %v", err, errFull)
	}
	_, err = Walk(bytes.NewReader(pack(t, "gzip", archive(t, "a=content")[:115])), func(e *Entry, body io.Reader) error {
		_, err := io.Copy(io.Discard, body)
		return fmt.Errorf("extract %s: %w", e.Name, err)
	})
	if got, want := fmt.Sprint(err), "segment 0 at 0x0: extract a: cpio: offset 115: unexpected end of archive"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestList(t *testing.T) {
	boot := archive(t, "dev/", "init=stub", ".mkinitfs/", planFor(t))
	for _, test := range []struct {
		name string
		data []byte
		want []string
	}{
		{"nested", nested(t, "zstd"), []string{"/", "/bin", "/bin/ls", "/bin/sh", "/etc", "/etc/hosts", "/init>sbin/init"}},
		{"bind", join(t, pack(t, "gzip", boot), archive(t, "etc/", "etc/rc=")), []string{"/dev", "/etc", "/etc/rc"}},
		{"bind with an init", join(t, pack(t, "gzip", boot), archive(t, "etc/", ".mkinitfs/init>bin/busybox")), []string{"/dev", "/etc", "/init>bin/busybox"}},
		{"none", archive(t, "./", "./init=x", "./etc/"), []string{"/", "/etc", "/init"}},
		{"later wins", join(t, archive(t, "a=", "etc/"), archive(t, "/a>b")), []string{"/a>b", "/etc"}},
	} {
		entries, _, err := List(bytes.NewReader(test.data))
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		var got []string
		for _, e := range entries {
			s := e.Path()
			if e.Link != "" {
				s += ">" + e.Link
			}
			got = append(got, s)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", test.name, diff)
		}
	}
}

// Members are not read where what is in them does not count.
func TestWalkOuter(t *testing.T) {
	data := archive(t, ".mkinitfs/root.0000="+strings.Repeat("no archive", 1<<17), "a/")
	var got []string
	info, err := WalkOuter(bytes.NewReader(data), func(e *Entry, _ io.Reader) error {
		got = append(got, e.Name)
		return nil
	})
	if want := "not whole: it has members of a root, but the boot plan is missing"; fmt.Sprint(err) != want || info.Size != int64(len(data)) {
		t.Errorf("got size %d and error %v, want %d and %s", info.Size, err, len(data), want)
	}
	if diff := cmp.Diff([]string{".mkinitfs/root.0000", "a"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestPath(t *testing.T) {
	elements := []string{"", ".", "..", "a", ".b", "c.", "...", "d"}
	for _, a := range elements {
		for _, b := range elements {
			for _, c := range elements {
				e := Entry{Header: cpio.Header{Name: a + "/" + b + "/" + c}}
				for range 2 {
					if got, want := e.Path(), path.Clean("/"+e.Name); got != want {
						t.Errorf("%q: got %q, want %q", e.Name, got, want)
					}
					e.Name = a + b + "/" + c
				}
			}
		}
	}
}
