package builder

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	imagefile "github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// parse reads a manifest whose relative sources lie in dir.
func parse(t *testing.T, dir, text string) *manifests.Manifest {
	t.Helper()
	m, err := manifests.Parse([]byte("version: 1\n"+text), manifests.Options{File: "test.yaml", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func writeFile(t *testing.T, path string, size int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	data := make([]byte, size)
	rng := rand.New(rand.NewPCG(uint64(size), 0))
	for i := range data { // neither constant nor without any pattern
		data[i] = byte(rng.IntN(8)) + byte(i>>8)
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// sourceTree makes a tree of more than one member and returns the manifest of
// a root with it, of a 32-bit machine, whose members are small.
func sourceTree(t *testing.T, dir string) string {
	t.Helper()
	for i := range 120 {
		writeFile(t, filepath.Join(dir, fmt.Sprintf("tree/d%d/f%03d", i/20, i)), i*250)
	}
	large := filepath.Join(dir, "tree/large")
	writeFile(t, large, 2<<20)
	if err := os.Truncate(large, 9<<20); err != nil { // zeros, which are fast to compress
		t.Fatal(err)
	}
	if err := os.Symlink("d0/f001", filepath.Join(dir, "tree/link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(dir, "tree/d0/f001"), filepath.Join(dir, "tree/d5/again")); err != nil {
		t.Fatal(err)
	}
	return `
arch: arm/v7
init: {exec: /bin/init}
contents:
  - {type: tree, src: tree, dst: /}
  - {type: file, dst: /bin/init, content: "#!/bin/sh\n", mode: 0755, links: [/bin/sh]}
  - {type: fifo, dst: /run/initctl}
  - {type: char, dst: /dev/ttyS0, dev: "4:64", mode: 0600}
`
}

// options are those of a build that needs no compiler: what they name as the stub
// is no more than the header of an ELF program for 32-bit ARM, and a mark.
func options(t *testing.T) Options {
	t.Helper()
	var b bytes.Buffer
	header := elf.Header32{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS32), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(elf.EM_ARM), Version: uint32(elf.EV_CURRENT), Ehsize: 52,
	}
	if err := binary.Write(&b, binary.LittleEndian, header); err != nil {
		t.Fatal(err)
	}
	b.WriteString("/" + bootplan.Path)
	dir := t.TempDir()
	stub := filepath.Join(dir, "stub")
	if err := os.WriteFile(stub, b.Bytes(), 0o755); err != nil {
		t.Fatal(err)
	}
	return Options{Stub: stub, TempDir: dir, Digest: true}
}

// kinds are roots of every type, with what the kernel unpacks and what the stub does.
var kinds = []struct{ name, manifest string }{
	{"none raw", "root: {type: none}\ncompress: none"},
	{"none gzip", "root: {type: none}\ncompress: gzip"},
	{"none lz4", "root: {type: none}\ncompress: lz4"},
	{"bind gzip", "root: {type: bind}\ncompress: gzip"},
	{"bind zstd", "root: {type: bind}\ncompress: 'zstd:3'"},
	{"tmpfs raw in raw", "root: {type: tmpfs, payload: none}\ncompress: none"},
	{"tmpfs raw in gzip", "root: {type: tmpfs, payload: none}\ncompress: gzip"},
	{"tmpfs raw in lz4", "root: {type: tmpfs, payload: none}\ncompress: lz4"},
	{"tmpfs gzip in raw", "root: {type: tmpfs, payload: gzip}\ncompress: none"},
	{"tmpfs xz in gzip", "root: {type: tmpfs, payload: 'xz:1'}\ncompress: gzip"},
	{"tmpfs zstd in lz4", "root: {type: tmpfs, payload: 'zstd:3'}\ncompress: lz4"},
	{"tmpfs zstd in xz", "root: {type: tmpfs, payload: 'zstd:3'}\ncompress: 'xz:1'"},
}

// slowXZ skips a kind with xz under the race detector: its encoder is ten times slower
// there, and runs as the others do.
func slowXZ(t *testing.T, kind string) {
	t.Helper()
	if strings.Contains(kind, "xz") {
		testenv.Sequential(t)
	}
}

func TestImage(t *testing.T) {
	dir := t.TempDir()
	base := sourceTree(t, dir)
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			slowXZ(t, kind.name)
			m := parse(t, dir, kind.manifest+base)
			if m.Root.Type != manifests.None {
				m.Init.Args, m.Init.Env = []string{"one", "two words"}, []string{"A=b"}
			}
			var out bytes.Buffer
			report, err := Build(t.Context(), &out, m, options(t))
			if err != nil {
				t.Fatal(err)
			}
			data := out.Bytes()
			sum := sha256.Sum256(data)
			if got, want := report.SHA256, hex.EncodeToString(sum[:]); got != want || report.Size != int64(len(data)) {
				t.Errorf("report: got %d bytes with SHA-256 %s, the image has %d with %s", report.Size, got, len(data), want)
			}
			if len(data)%4 != 0 {
				t.Errorf("image of %d bytes: not a multiple of 4", len(data))
			}
			checkSegments(t, data, report)
			checkRoot(t, data, m)
			switch m.Root.Type {
			case manifests.Tmpfs:
				checkBootPlan(t, data, m, report)
				checkPayload(t, data, report)
			case manifests.Bind:
				checkBootPlan(t, data, m, report)
				checkEnds(t, data)
			}
		})
	}
}

// checkSegments checks that the report's segments are those of the image, where lz4 behind
// lz4 is one segment, that each begins at a multiple of 4 and that nothing but padding lies
// between.
func checkSegments(t *testing.T, data []byte, report *Report) {
	t.Helper()
	info, err := imagefile.Walk(bytes.NewReader(data), func(*imagefile.Entry, io.Reader) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, s := range info.Segments {
		got = append(got, fmt.Sprintf("%s at %d: %d bytes of %d", s.Codec, s.Offset, s.Size, s.Unpacked))
	}
	end := int64(0)
	for i, s := range seenSegments(report.Segments) {
		want = append(want, fmt.Sprintf("%s at %d: %d bytes of %d", s.Codec, s.Offset, s.Size, s.Unpacked))
		if s.Offset%4 != 0 {
			t.Errorf("segment %d begins at %d: not a multiple of 4", i, s.Offset)
		}
		if gap := data[end:s.Offset]; len(gap) >= 8 || len(bytes.Trim(gap, "\x00")) > 0 {
			t.Errorf("before segment %d at %d: %d bytes % x, want a few zeros", i, s.Offset, len(gap), gap)
		}
		end = s.Offset + s.Size
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("segments: -report +image\n%s", diff)
	}
}

// seenSegments returns the segments that the kernel sees. lz4 right behind lz4 belongs to the
// same segment.
func seenSegments(written []Segment) []Segment {
	var seen []Segment
	for _, s := range written {
		if last := len(seen) - 1; s.Codec == "lz4" && last >= 0 && seen[last].Codec == s.Codec && seen[last].Offset+seen[last].Size == s.Offset {
			seen[last].Size += s.Size
			seen[last].Unpacked += s.Unpacked
			continue
		}
		seen = append(seen, s)
	}
	return seen
}

// checkRoot checks that the image lists as the root that was planned.
func checkRoot(t *testing.T, data []byte, m *manifests.Manifest) {
	t.Helper()
	b, err := prepare(t.Context(), m, Options{}, toCheck)
	if err != nil {
		t.Fatal(err)
	}
	defer b.sources.Close()
	var got, want []string
	for _, e := range b.root.entries {
		want = append(want, fmt.Sprintf("%s %o %d:%d %d %d:%d %s", e.Path, e.Mode, e.UID, e.GID, e.MTime, e.Major, e.Minor, e.Target))
	}
	list, _, err := imagefile.List(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for i := range list {
		e := &list[i]
		got = append(got, fmt.Sprintf("%s %o %d:%d %d %d:%d %s", e.Path(), e.Mode, e.UID, e.GID, e.MTime, e.RdevMajor, e.RdevMinor, e.Link))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("root: -plan +image\n%s", diff)
	}
}

// outer returns the entries and contents that the kernel unpacks of an image.
func outer(t *testing.T, data []byte) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	_, err := imagefile.Walk(bytes.NewReader(data), func(e *imagefile.Entry, body io.Reader) error {
		content, err := io.ReadAll(body)
		if e.Member == "" {
			files[e.Path()] = content
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func checkBootPlan(t *testing.T, data []byte, m *manifests.Manifest, report *Report) {
	t.Helper()
	files := outer(t, data)
	p, err := bootplan.Parse(files["/"+bootplan.Path])
	if err != nil {
		t.Fatal(err)
	}
	got := *p
	got.Window, got.Blocks, got.Last, got.Members = 0, [3]int64{}, nil, nil
	want := bootplan.Plan{
		Root: string(m.Root.Type), Arch: "arm/v7", Payload: report.Payload, Extra: "merge", Mode: 0o755,
		Exec: "/bin/init", Args: []string{"one", "two words"}, Env: []string{"A=b"},
		OnError: "panic", Cmdline: "use", Entries: int64(report.Entries),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("boot plan: -want +got\n%s", diff)
	}
	stub := sha256.Sum256(files["/init"])
	if got, want := hex.EncodeToString(stub[:]), report.Stub.SHA256; got != want {
		t.Errorf("SHA-256 of /init: got %s, the report's stub has %s", got, want)
	}
	for _, path := range []string{"/dev/console", "/dev/null", "/" + bootplan.Kmsg} {
		if _, ok := files[path]; !ok {
			t.Errorf("%s is missing", path)
		}
	}
	if len(p.Members) != len(report.Members) {
		t.Fatalf("the plan has %d members, the report %d", len(p.Members), len(report.Members))
	}
	for i, member := range p.Members {
		content := files["/"+bootplan.MemberName(i)]
		sum := sha256.Sum256(content)
		want := bootplan.Member{Packed: int64(len(content)), Unpacked: member.Unpacked, SHA256: hex.EncodeToString(sum[:])}
		if report.Payload == "none" {
			want.CRC32 = fmt.Sprintf("%08x", crc32.ChecksumIEEE(content))
		}
		if diff := cmp.Diff(want, member); diff != "" {
			t.Errorf("member %d: -image +plan\n%s", i, diff)
		}
		wantReport := Member{member.Packed, member.Unpacked, member.SHA256, false}
		if got := report.Members[i]; got != wantReport {
			t.Errorf("member %d of the report: got %v, the plan says %v", i, got, wantReport)
		}
	}
}

// checkEnds checks that each segment of a bound root ends with the directory that says so,
// behind the entry that the plan knows as the last.
func checkEnds(t *testing.T, data []byte) {
	t.Helper()
	plan, err := bootplan.Parse(outer(t, data)["/"+bootplan.Path])
	if err != nil {
		t.Fatal(err)
	}
	last := map[int][]string{} // two entries of each segment
	_, err = imagefile.Walk(bytes.NewReader(data), func(e *imagefile.Entry, _ io.Reader) error {
		paths := append(last[e.Segment], e.Path())
		last[e.Segment] = paths[max(len(paths)-2, 0):]
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(last, 0) // the boot segment
	want := map[int][]string{}
	for i, path := range plan.Last {
		want[i+1] = []string{path, "/" + bootplan.EndName(i)}
	}
	if len(want) < 2 {
		t.Errorf("got %d segments of the root, the tree is made for more", len(want))
	}
	if diff := cmp.Diff(want, last); diff != "" {
		t.Errorf("ends of the segments: -plan +image\n%s", diff)
	}
}

// checkPayload unpacks every member on its own.
func checkPayload(t *testing.T, data []byte, report *Report) {
	t.Helper()
	if got := len(report.Members); got < 3 {
		t.Errorf("got %d members, the tree is made for more", got)
	}
	codec, err := compress.Lookup(report.Payload)
	if err != nil {
		t.Fatal(err)
	}
	files := outer(t, data)
	entries := 0
	for i, m := range report.Members {
		z, err := codec.NewReader(bufio.NewReader(bytes.NewReader(files["/"+bootplan.MemberName(i)])))
		if err != nil {
			t.Fatalf("member %d: %v", i, err)
		}
		unpacked, err := io.ReadAll(z)
		if err != nil {
			t.Fatalf("member %d: %v", i, err)
		}
		if got, want := int64(len(unpacked)), m.Unpacked; got != want {
			t.Errorf("member %d: got %d bytes unpacked, want %d", i, got, want)
		}
		r := cpio.NewReader(bytes.NewReader(unpacked))
		for {
			h, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatalf("member %d: %v", i, err)
			}
			if dir := h.Mode&cpio.TypeMask == cpio.TypeDir; dir && i > 0 {
				t.Errorf("member %d: directory %s, which belongs into the first", i, h.Name)
			}
			entries++
		}
	}
	if entries != report.Entries {
		t.Errorf("the members hold %d entries, want %d", entries, report.Entries)
	}
}
