package image

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"path"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/compress"
)

// archive makes a raw archive of words "name=content": a file; "name/": a directory;
// "name>target": a symbolic link; "name@3": a file with inode 3 and two names.
func archive(t testing.TB, words ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := cpio.NewWriter(&b)
	for i, word := range words {
		at := strings.IndexAny(word, "=/>@")
		for strings.HasPrefix(word[at:], "/") && at < len(word)-1 { // a slash within the name
			at += 1 + strings.IndexAny(word[at+1:], "=/>@")
		}
		h := &cpio.Header{Name: word[:at], Ino: uint32(100 + i), Nlink: 1, Mode: cpio.TypeFile | 0o644}
		content := word[at+1:]
		switch word[at] {
		case '/':
			h.Mode = cpio.TypeDir | 0o755
		case '>':
			h.Mode = cpio.TypeLink | 0o777
		case '@':
			h.Nlink = 2
			fmt.Sscan(content, &h.Ino)
			content = ""
		}
		h.Size = int64(len(content))
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// archiveOf makes a raw archive of entries without a body. Each has one name.
func archiveOf(t testing.TB, headers ...cpio.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := cpio.NewWriter(&b)
	for i, h := range headers {
		h.Ino, h.Nlink = uint32(100+i), 1
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pack(t testing.TB, codec string, data []byte) []byte {
	t.Helper()
	c, err := compress.Lookup(codec)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := c.NewWriter(&b, compress.Options{Size: int64(len(data)), Level: min(1, c.MaxLevel)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// join lays segments out as the builder does.
func join(t testing.TB, segments ...[]byte) []byte {
	t.Helper()
	var b []byte
	for _, s := range segments {
		b = append(b, s...)
		b = append(b, make([]byte, compress.Detect(s).Pad(int64(len(b))))...)
	}
	return b
}

// walk returns one line an entry: segment, member, name and body. It walks once as
// from a pipe and once as a file, where bodies can be skipped and streams be decoded
// ahead, and the error says so if that is not the same.
func walk(data []byte) ([]string, *Info, error) {
	lines, info, err := walkReader(struct{ io.Reader }{bytes.NewReader(data)})
	fileLines, fileInfo, fileErr := walkReader(bytes.NewReader(data))
	diff := cmp.Diff(lines, fileLines) + cmp.Diff(info, fileInfo) + cmp.Diff(fmt.Sprint(err), fmt.Sprint(fileErr))
	if diff != "" {
		return lines, info, fmt.Errorf("-pipe +file\n%s", diff)
	}
	return lines, info, err
}

func walkReader(r io.Reader) ([]string, *Info, error) {
	var lines []string
	info, err := Walk(r, func(e *Entry, body io.Reader) error {
		line := fmt.Sprintf("%d %s", e.Segment, e.Name)
		if e.Member != "" {
			line = fmt.Sprintf("%d %s %s", e.Segment, e.Member, e.Name)
		}
		if memberName(e) == "" {
			b, err := io.ReadAll(body)
			if err != nil {
				return err
			}
			if len(b) > 0 {
				line += "=" + string(b)
			}
		}
		if e.HardLinkOf != "" {
			line += "@" + e.HardLinkOf
		}
		lines = append(lines, line)
		return nil
	})
	return lines, info, err
}

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
			{0, 0, int64(len(early)), "none", 1, int64(len(early))},
			{1, int64(len(early)), int64(len(z)), "gzip", 3, int64(len(boot))},
			{2, last, int64(len(data)) - last, "none", 0, int64(len(archive(t)))},
		},
		Size: int64(len(data)),
		Plan: []byte(strings.TrimPrefix(planFor(t), ".mkinitfs/plan=")),
	}
	if diff := cmp.Diff(want, info); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// planFor is the boot plan, as a word, of a root that comes in members.
func planFor(t testing.TB, members ...[]byte) string {
	t.Helper()
	p := bootplan.Plan{Root: "tmpfs"}
	for _, m := range members {
		info, err := Walk(bytes.NewReader(m), func(*Entry, io.Reader) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		p.Entries += int64(info.Segments[0].Entries)
		p.Members = append(p.Members, bootplan.Member{
			Packed: int64(len(m)), Unpacked: info.Segments[0].Unpacked,
			SHA256: fmt.Sprintf("%x", sha256.Sum256(m)), CRC32: fmt.Sprintf("%08x", crc32.ChecksumIEEE(m)),
		})
	}
	return ".mkinitfs/plan=" + string(p.Marshal())
}

// payloadOf has members as words.
func payloadOf(members ...[]byte) []string {
	var words []string
	for i, m := range members {
		words = append(words, bootplan.MemberName(i)+"="+string(m))
	}
	return words
}

// nestedMembers are the members of nested.
func nestedMembers(t testing.TB, codec string) [][]byte {
	return [][]byte{
		pack(t, codec, archive(t, "./", "etc/", "bin/", "init>sbin/init")),
		pack(t, codec, archive(t, "etc/hosts=localhost\n", "bin/sh@7", "bin/ls@7")),
	}
}

// nested is an image of ours with a packed payload.
func nested(t testing.TB, codec string) []byte {
	members := nestedMembers(t, codec)
	boot := archive(t, "dev/", ".mkinitfs/", planFor(t, members...), "init=stub")
	return join(t, pack(t, "gzip", boot), archive(t, payloadOf(members...)...))
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

// A walk of anything ends with an error or with segments that account for all
// bytes, one after the other.
func FuzzWalk(f *testing.F) {
	for _, codec := range compress.Names() {
		f.Add(nested(f, codec))
		f.Add(join(f, pack(f, codec, archive(f, "a=content", "b>a", "c@3", "d@3")), archive(f, "e/")))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, short := 0, 0
		info, err := Walk(bytes.NewReader(data), func(e *Entry, body io.Reader) error {
			if e.Member == "" {
				entries++
			}
			if len(e.Link) >= cpio.PathMax {
				t.Errorf("target of %d bytes", len(e.Link))
			}
			n, err := io.Copy(io.Discard, io.LimitReader(body, 1<<20))
			if err == nil && n != min(e.Size, 1<<20) {
				short++
			}
			return err
		})
		cut := info.Findings.has(headerCut)
		if most := 1; short > most || short > 0 && !cut {
			t.Errorf("got %d bodies that are short, want none, or one where the image ends", short)
		}
		end, counted := int64(0), 0
		for i, s := range info.Segments {
			if s.Index != i || s.Offset < end || s.Size < 1 {
				t.Errorf("segment %d behind %d: got %+v", i, end, s)
			}
			end = s.Offset + s.Size
			counted += s.Entries
		}
		if err == nil && (info.Size != int64(len(data)) || end > info.Size || counted != entries) {
			t.Errorf("got size %d, segments to %d, %d entries, want %d, no more, %d", info.Size, end, counted, len(data), entries)
		}
		rest := bytes.TrimRight(data[end:], "\x00")
		if info.Findings.has(flashTail) {
			rest = bytes.Trim(rest, "\x00\xff")
		}
		if err == nil && len(rest) > 0 && info.BootConfig == 0 && !cut {
			t.Errorf("junk behind the last segment was not seen")
		}
		if _, _, err := walk(data); err != nil && strings.HasPrefix(err.Error(), "-pipe") {
			t.Error(err)
		}
	})
}

// Nothing is read of a body that nobody asks for.
func TestSkipped(t *testing.T) {
	large := strings.Repeat("x", 1<<20)
	data := archive(t, "a="+large, "b=small", "c=small", "d="+large, "e/")
	r := &counted{Reader: bytes.NewReader(data)}
	if _, err := Walk(r, func(*Entry, io.Reader) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if r.n > 64<<10 {
		t.Errorf("got %d bytes read of an image of %d, want few", r.n, len(data))
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

type counted struct {
	*bytes.Reader
	n int
}

func (c *counted) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.Reader.ReadAt(p, at)
	c.n += n
	return n, err
}

// Members that hold more than is decoded ahead come whole and in order, and so do
// segments, whatever else is between them.
func TestAhead(t *testing.T) {
	var members, segments [][]byte
	want := []string{".mkinitfs/plan"}
	for i := range 7 {
		a := archive(t, fmt.Sprintf("a%d=%s", i, strings.Repeat("x", aheadSize+i)), fmt.Sprintf("b%d/", i), fmt.Sprintf("c%d=small", i))
		codec := []string{"zstd", "gzip", "gzip", "none", "zstd", "lz4", "lz4"}[i]
		segments = append(segments, pack(t, codec, a))
		members = append(members, pack(t, codec, a))
		want = append(want, fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i), fmt.Sprintf("c%d", i))
	}
	plan := archive(t, planFor(t, members...))
	segments = append([][]byte{archive(t, planFor(t))}, segments...)
	for name, data := range map[string][]byte{"segments": join(t, segments...), "members": join(t, plan, archive(t, payloadOf(members...)...))} {
		for _, procs := range []int{1, 2, 4} {
			before := runtime.GOMAXPROCS(procs)
			var got []string
			_, err := Walk(bytes.NewReader(data), func(e *Entry, _ io.Reader) error {
				if memberName(e) == "" {
					got = append(got, e.Name)
				}
				return nil
			})
			runtime.GOMAXPROCS(before)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, %d processors: -want +got\n%s", name, procs, diff)
			}
		}
	}
}

func BenchmarkWalk(b *testing.B) {
	words := make([]string, 10_000)
	for i := range words {
		words[i] = fmt.Sprintf("file%d=%s", i, strings.Repeat("x", i%5000))
	}
	data := slices.Concat(archive(b, words...))
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Walk(bytes.NewReader(data), func(*Entry, io.Reader) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
