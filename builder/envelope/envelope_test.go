package envelope

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const content = "070701 and what follows"

// read opens data, finds a part and verifies it.
func read(data []byte, name string) (content string, warnings []string, err error) {
	r := bytes.NewReader(data)
	e, err := Open(r, int64(len(data)))
	if err != nil {
		return "", nil, err
	}
	if e == nil {
		return "", nil, errors.New("no envelope")
	}
	p, err := e.Find(name)
	if err != nil {
		return "", nil, err
	}
	for _, f := range append(e.Findings, p.Findings...) {
		warnings = append(warnings, f.Words)
	}
	b, err := io.ReadAll(io.NewSectionReader(r, p.Offset, p.Size))
	if err != nil {
		return "", nil, err
	}
	return string(b), warnings, e.Verify(r, p)
}

// small holds a small envelope of every kind, with content.
func small() map[string][]byte { return around([]byte(content)) }

// around returns an envelope of every kind, with data as its ramdisk.
func around(data []byte) map[string][]byte {
	external := fitOf([]node{{name: "r", properties: []value{text("type", Ramdisk), text("os", "linux"), number("data-offset", 4), number("data-size", len(data))}, nodes: []node{hashOf(data)}}},
		[]node{configurationOf("c", "r")}, "c")
	external = append(external, make([]byte, -len(external)&3+4)...)
	return map[string][]byte{
		"uImage":       uImageOf(uImageRamdisk, data),
		"multi":        multiOf([]byte("kernel"), data),
		"FIT":          fitOf([]node{imageOf("k", "kernel", []byte("kernel")), imageOf("r", Ramdisk, data)}, []node{configurationOf("c", "r")}, "c"),
		"external FIT": append(external, data...),
		"PE":           peUnpadded(data),
	}
}

// peUnpadded returns a PE program that ends with its .initrd.
func peUnpadded(data []byte) []byte {
	pe := peOf(section{".text", "ret"}, section{".initrd", string(data)})
	return pe[:len(pe)-(-len(data)&(peAlign-1))]
}

func TestRead(t *testing.T) {
	for kind, data := range small() {
		got, warnings, err := read(data, "")
		if got != content || warnings != nil || err != nil {
			t.Errorf("%s: got %q, %q, error %v, want %q", kind, got, warnings, err, content)
		}
	}
}

// TestTruncated cuts each file at every byte. No part may pass for complete.
func TestTruncated(t *testing.T) {
	for kind, data := range small() {
		for n := range data {
			if got, _, err := read(data[:n], ""); err == nil {
				t.Errorf("%s, %d bytes of %d: got %q and no error", kind, n, len(data), got)
			}
		}
	}
}

// TestMutated changes each byte. The change must be an error where a sum covers the byte, and
// must not change the content of the ramdisk elsewhere.
func TestMutated(t *testing.T) {
	for kind, data := range small() {
		for i := range data {
			for _, flip := range []byte{0x01, 0x80, 0xff} {
				mutated := bytes.Clone(data)
				mutated[i] ^= flip
				got, _, err := read(mutated, "")
				switch {
				case err != nil || kind == "PE": // PE has no sums
				case strings.HasSuffix(kind, "FIT") && got == content:
				default:
					t.Errorf("%s, byte %#x changed by %#x: got %q and no error", kind, i, flip, got)
				}
			}
		}
	}
}

func TestErrors(t *testing.T) {
	data, other := []byte(content), []byte("other")
	images := []node{imageOf("k", "kernel", other), imageOf("r", Ramdisk, data), imageOf("s", Ramdisk, other)}
	wrong := imageOf("r", Ramdisk, data)
	wrong.nodes = []node{hashOf(other)}
	short := imageOf("r", Ramdisk, data)
	short.nodes[0].properties[1].data = []byte("short")
	nameless := imageOf("r", Ramdisk, data)
	nameless.nodes = []node{{name: "hash-1"}}
	long := uImageOf(uImageRamdisk, data)
	tests := []struct {
		name string
		data []byte
		part string
		want string
	}{
		{"no envelope", []byte("070701"), "", "no envelope"},
		{"nothing", nil, "", "no envelope"},
		{"DOS", append([]byte("MZ"), make([]byte, 100)...), "", "no envelope"},
		{"PE without .initrd", peOf(section{".text", "ret"}), "", "no envelope"},
		{"device tree", treeOf(node{properties: []value{text("model", "board")}}), "", "no envelope"},
		{"kernel", uImageOf(2, data), "", "a uImage of type kernel, not ramdisk"},
		{"unknown type", uImageOf(99, data), "", "a uImage of type number 99, not ramdisk"},
		{"multi-file, one part", multiOf(data), "", "a multi-file uImage without a part 1, which is the ramdisk"},
		{"multi-file, no table", uImageOf(uImageMulti, []byte("\x00\x00\x00\x01")), "", "the file ends in the table of sizes of a multi-file uImage"},
		{"multi-file, long part", uImageOf(uImageMulti, []byte("\x00\x00\x00\x01\x00\x00\x00\xff\x00\x00\x00\x00abcd1")), "", "part 1 ends at byte 271 of the data, which has 17"},
		{"multi-file, many parts", uImageOf(uImageMulti, bytes.Repeat([]byte("\x00\x00\x00\x01"), uImageParts+2)), "", "more than 1000 parts"},
		{"header cut", long[:63], "", "the file ends in the header of a U-Boot uImage"},
		{"no such part", long, "1", `nothing in the uImage is called "1": it holds 0 (ramdisk)`},
		{"several ramdisks", fitOf(images, nil, ""), "", "a FIT image with 2 ramdisks and no default configuration that names one\n  name one: IMAGE@r or IMAGE@s"},
		{"no ramdisk", fitOf(images[:1], nil, ""), "", "a FIT image without a ramdisk: it holds k (kernel)"},
		{"no images", fitOf(nil, nil, ""), "", "a FIT image without a ramdisk: it holds nothing"},
		{"a ramdisk that is not there", fitOf(images, []node{configurationOf("c", "x")}, "c"), "", "configuration c names the ramdisk x, which the FIT image does not hold"},
		{"wrong hash", fitOf([]node{wrong}, []node{configurationOf("c", "r")}, "c"), "", "damaged FIT image: the sha256 of r is "},
		{"hash cut", fitOf([]node{short}, nil, ""), "", "hash-1 of r has 5 bytes, sha256 has 32"},
		{"hash without an algorithm", fitOf([]node{nameless}, nil, ""), "", "hash-1 of r has no algo"},
		{"no data", fitOf([]node{{name: "r", properties: []value{text("type", Ramdisk)}}}, nil, ""), "", "r has no data"},
		{"no size", fitOf([]node{{name: "r", properties: []value{text("type", Ramdisk), number("data-offset", 0)}}}, nil, ""), "", "r has no data-size"},
		{"wide offset", fitOf([]node{{name: "r", properties: []value{valueOf("data-offset", make([]byte, 8))}}}, nil, ""), "", "its property data-offset has 8 bytes and should have 4"},
		{"ciphered", fitOf([]node{{name: "r", properties: []value{text("type", Ramdisk), valueOf("data", data)}, nodes: []node{{name: "cipher"}}}}, nil, ""), "", "r is encrypted"},
		{"many images", fitOf(make([]node, fitMostNodes+1), nil, ""), "", "more than 1024 images"},
		{"deep tree", treeOf(deep(fdtMostDepth + 1)), "", "nodes more than 64 deep"},
		{"long name", treeOf(node{nodes: []node{{name: strings.Repeat("n", 300)}}}), "", "a node without a name of at most 127 bytes"},
		{"profile without .initrd", peOf(section{".profile", "ID=a"}, section{".profile", "ID=b"}, section{".initrd", content}), "", "profile 0 of the PE program has no section .initrd\n  name one: IMAGE@.initrd-1"},
	}
	for _, test := range tests {
		if _, _, err := read(test.data, test.part); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.name, err, test.want)
		}
	}
}

func deep(n int) node {
	if n == 1 {
		return node{}
	}
	return node{nodes: []node{deep(n - 1)}}
}

func TestNames(t *testing.T) {
	images := []node{imageOf("r", Ramdisk, []byte("R")), imageOf("s@1", Ramdisk, []byte("S"))}
	fit := fitOf(images, []node{configurationOf("c", "r"), configurationOf("d", "s@1")}, "d")
	uki := peOf(section{".ucode", "U"}, section{".initrd", "base"}, section{".profile", ""}, section{".profile", ""}, section{".initrd", "own"})
	tests := []struct {
		kind       string
		data       []byte
		name, want string
	}{
		{"FIT", fit, "", "S"}, {"FIT", fit, "r", "R"}, {"FIT", fit, "s@1", "S"}, {"FIT", fit, "c", "R"}, {"FIT", fit, "d", "S"},
		{"PE", uki, "", "base"}, {"PE", uki, "0", "base"}, {"PE", uki, "1", "own"}, {"PE", uki, ".initrd", "base"}, {"PE", uki, ".ucode", "U"},
		{"multi", multiOf([]byte("K"), []byte("R"), []byte("D")), "2", "D"},
	}
	for _, test := range tests {
		if got, _, err := read(test.data, test.name); got != test.want || err != nil {
			t.Errorf("%s, %q: got %q, error %v, want %q", test.kind, test.name, got, err, test.want)
		}
	}
}

func TestFindings(t *testing.T) {
	data := []byte(content)
	with := func(hash ...value) []byte {
		m := imageOf("r", Ramdisk, data)
		m.nodes = []node{{name: "hash-1", properties: hash}}
		return fitOf([]node{m}, []node{configurationOf("c", "r")}, "c")
	}
	foreign := uImageOf(uImageRamdisk, data)
	foreign[28] = 17
	header := bytes.Clone(foreign[:uImageHeaderSize])
	clear(header[4:8])
	binary.BigEndian.PutUint32(foreign[4:], crc32.ChecksumIEEE(header))
	plain := fitOf([]node{imageOf("r", Ramdisk, data)}, []node{configurationOf("c", "r")}, "c")
	tests := []struct {
		name string
		data []byte
		want []string
	}{
		{"erased flash", append(uImageOf(uImageRamdisk, data), "\x00\xff"...), nil},
		{"tail", append(uImageOf(uImageRamdisk, data), "\xff more"...), []string{"6 bytes behind the uImage, at 0x57, are not read by the boot loader"}},
		{"tail that is no text", append(uImageOf(uImageRamdisk, data), "\xee\xdb"...), []string{"2 bytes behind the uImage, at 0x57, are not read by the boot loader"}},
		{"tail of a FIT", append(plain, "more"...), []string{"4 bytes behind the FIT image, at 0x" + strconv.FormatInt(int64(len(plain)), 16) + ", are not read by the boot loader"}},
		{"uImage for another system", foreign, []string{"its os is number 17: U-Boot loads a ramdisk only if that is 5, linux"}},
		{"image without a system", fitOf([]node{{name: "r", properties: []value{text("type", Ramdisk), valueOf("data", data)}}}, []node{configurationOf("c", "r")}, "c"),
			[]string{`r has os = "": U-Boot does not load such a ramdisk (set os = "linux")`}},
		{"a kernel as a ramdisk", fitOf([]node{imageOf("k", "kernel", data)}, []node{configurationOf("c", "k")}, "c"),
			[]string{`k has type = "kernel": U-Boot loads nothing as a ramdisk but type = "ramdisk"`}},
		{"unknown hash", with(text("algo", "blake3")), []string{`hash-1 of r is not compared: mkinitfs does not know "blake3"`}},
		{"ignored hash", with(text("algo", "sha1"), value{name: "uboot-ignore"}), []string{"hash-1 of r says uboot-ignore: U-Boot does not compare it"}},
		{"compression", fitOf([]node{imageOf("r", Ramdisk, data, text("compression", "gzip"))}, []node{configurationOf("c", "r")}, "c"),
			[]string{`r has compression = "gzip": U-Boot warns of it and passes the ramdisk on as it is (set compression = "none")`}},
		{"compression none", fitOf([]node{imageOf("r", Ramdisk, data, text("compression", "none"))}, []node{configurationOf("c", "r")}, "c"), nil},
		{"the kernel's compression", fitOf([]node{imageOf("k", "kernel", data, text("compression", "gzip")), imageOf("r", Ramdisk, data)}, []node{configurationOf("c", "r")}, "c"), nil},
		{"two ramdisks", fitOf([]node{imageOf("r", Ramdisk, data)}, []node{configurationOf("c", "r\x00s")}, "c"), []string{"configuration c names 2 ramdisks, of which U-Boot loads the first"}},
		{"no default", fitOf([]node{imageOf("r", Ramdisk, data)}, nil, ""), []string{"no default configuration names r: U-Boot loads it only when it is told to"}},
		{"second section", peOf(section{".initrd", content}, section{".initrd", "other"}), []string{"a second section .initrd, which systemd-stub does not read"}},
	}
	for _, test := range tests {
		got, warnings, err := read(test.data, "")
		if got != content || err != nil {
			t.Errorf("%s: got %q, error %v", test.name, got, err)
		}
		if diff := cmp.Diff(test.want, warnings); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
}

// vast is a file of any size, with zeros behind its beginning. It counts the bytes read from
// it.
type vast struct {
	head []byte
	read int
}

func (v *vast) ReadAt(p []byte, at int64) (int, error) {
	v.read += len(p)
	clear(p)
	if at < int64(len(v.head)) {
		copy(p, v.head[at:])
	}
	return len(p), nil
}

// TestOpenReadsTables checks that Open reads only tables, however large the parts are.
func TestOpenReadsTables(t *testing.T) {
	multi := multiOf(make([]byte, 1), make([]byte, 1))
	copy(multi[12:], "\x7f\xff\xff\xf0")                 // size of the data
	copy(multi[64:], "\x3f\x00\x00\x00\x3f\x00\x00\x00") // of the parts
	// A property of 1 GiB in the tree: its size and those of the tree are made larger.
	tree := fitOf([]node{imageOf("r", Ramdisk, nil)}, nil, "")
	at := bytes.Index(tree, []byte("r\x00\x00\x00\x00\x00\x00\x03"))
	if at < 0 {
		t.Fatal("the tree has no property where it should be")
	}
	at += 8
	big := append(bytes.Clone(tree[:at]), "\x40\x00\x00\x00"...)
	big = append(big, tree[at+4:at+8]...)
	copy(big[4:], "\x50\x00\x00\x00")
	copy(big[36:], "\x48\x00\x00\x00")
	copy(big[12:], "\x00\x00\x00\x00") // names that lie in the header
	for name, head := range map[string][]byte{"uImage": multi, "FIT": big, "PE": peOf(section{".initrd", content})} {
		v := &vast{head: head}
		e, err := Open(v, 1<<31)
		if e == nil && err == nil {
			t.Errorf("%s: got no envelope", name)
		}
		if v.read > 64<<10 {
			t.Errorf("%s: got %d bytes read, want tables only", name, v.read)
		}
	}
}

// TestMemory checks that Open bounds its memory, whatever the file claims.
func TestMemory(t *testing.T) {
	long := strings.Repeat("\xff", fdtMostName)
	var hashes, images, configurations []node
	for range fitMostHashes {
		hashes = append(hashes, node{name: "hash" + long[4:], properties: []value{valueOf("algo", []byte(long)), valueOf("value", []byte(long))}})
	}
	for range fitMostNodes {
		images = append(images, node{name: long, properties: []value{valueOf("type", []byte(long)), valueOf("data", nil)}, nodes: hashes})
		configurations = append(configurations, configurationOf(long, long[:100]))
	}
	data := fitOf(images, configurations, "")
	heap := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	before := heap()
	e, err := Open(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	const most = 32 << 20
	got := int64(heap() - before)
	t.Logf("%d bytes in use for a file of %d", got, len(data))
	if got > most {
		t.Errorf("got %d bytes in use, want %d at most", got, most)
	}
	runtime.KeepAlive(data)
	runtime.KeepAlive(e)
}

// TestReadError checks that an error of the file itself is returned unchanged.
func TestReadError(t *testing.T) {
	fault := errors.New("input/output error")
	for kind, data := range small() {
		r := &failing{bytes.NewReader(data), fault}
		if _, err := Open(r, int64(len(data))); !errors.Is(err, fault) {
			t.Errorf("%s: got %v, want %v", kind, err, fault)
		}
	}
}

type failing struct {
	r   io.ReaderAt
	err error
}

// ReadAt fails behind the magic.
func (f *failing) ReadAt(p []byte, at int64) (int, error) {
	n, _ := f.r.ReadAt(p[:min(len(p), 4)], at)
	return n, f.err
}

// FuzzOpen checks that all parts lie in the file, whatever it claims, and are found by their
// names.
func FuzzOpen(f *testing.F) {
	for _, data := range small() {
		f.Add(data)
	}
	f.Add(fitOf([]node{imageOf("r", Ramdisk, nil, number("data-position", 0), number("data-size", 100))}, nil, ""))
	f.Add(peOf(section{".initrd", "base"}, section{".profile", ""}, section{".initrd", "own"}))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bytes.NewReader(data)
		e, err := Open(r, int64(len(data)))
		if e == nil || err != nil {
			return
		}
		for i := range e.Parts {
			p := &e.Parts[i]
			if p.Size < 0 || p.Size > 0 && p.Offset+p.Size > int64(len(data)) {
				t.Errorf("part %q at %d has %d bytes, in a file of %d", p.Name, p.Offset, p.Size, len(data))
			}
			if found, err := e.Find(p.Name); p.Name != "" && (err != nil || found.Name != p.Name) {
				t.Errorf("part %q: got %v, error %v", p.Name, found, err)
			}
			e.Verify(r, p)
		}
		if p, err := e.Find(""); err == nil && p == nil {
			t.Error("got neither a ramdisk nor an error")
		}
	})
}
