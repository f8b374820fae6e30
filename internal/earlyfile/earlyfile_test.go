package earlyfile

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
)

// update0 is an update of Intel with a table of further processors.
func update0(change func(b []byte)) []byte {
	b := make([]byte, 48+16+20+2*12)
	put := func(at int, v uint32) { binary.LittleEndian.PutUint32(b[at:], v) }
	put(0, 1)
	put(4, 7)
	put(12, 0x306a9)
	put(20, 1)
	put(24, 2)
	put(28, 16)
	put(32, uint32(len(b)))
	put(16, -sum(b[:64]))
	put(64, 2)
	own := sum(b[12:20]) + word(b[24:])
	for i, processor := range []uint32{0x306a8, 0x306a7} {
		at := 64 + 20 + 12*i
		put(at, processor)
		put(at+4, 4)
		put(at+8, own-processor-4)
	}
	put(68, -sum(b[64:]))
	change(b)
	return b
}

// plain0 is an update in which a size of 0 stands for 2000 bytes of data.
func plain0() []byte {
	b := make([]byte, 2048)
	b[0], b[20] = 1, 1
	binary.LittleEndian.PutUint32(b[16:], ^uint32(1))
	return b
}

func container0(change func(b []byte)) []byte {
	b := []byte("DMA\x00\x00\x00\x00\x00\x10\x00\x00\x00")
	b = append(b, make([]byte, 16)...)
	b = append(append(b, 1, 0, 0, 0, 70, 0, 0, 0), bytes.Repeat([]byte{9}, 70)...)
	change(b)
	return b
}

func none([]byte) {}

func TestMicrocode(t *testing.T) {
	twice := func(b []byte) []byte { return append(b[:len(b):len(b)], b...) }
	for name, c := range map[string]struct {
		data []byte
		want string // path or error
	}{
		"intel":           {update0(none), Intel},
		"intel, two":      {twice(update0(none)), Intel},
		"intel, old":      {append(plain0(), update0(none)...), Intel},
		"amd":             {container0(none), AMD},
		"amd, two":        {twice(container0(none)), AMD},
		"empty":           {nil, "empty file"},
		"short":           {[]byte("\x01\x00\x00\x00"), `begins with "\x01\x00\x00\x00"`},
		"intel, sum":      {update0(func(b []byte) { b[50]++ }), "wrong checksum"},
		"intel, version":  {update0(func(b []byte) { b[0] = 2 }), "want version 1 of header and loader, got 2 and 1"},
		"intel, tail":     {append(update0(none), 0), "update at byte 108: want a header of 48 bytes, got 1 bytes"},
		"intel, cut":      {update0(none)[:100], "the header says 108 bytes, of which the file has 100"},
		"intel, sizes":    {update0(func(b []byte) { b[32] = 60 }), "16 bytes of data in 60 bytes"},
		"intel, odd":      {update0(func(b []byte) { b[28] = 17 }), "17 bytes of data in 108 bytes"},
		"intel, huge":     {update0(func(b []byte) { copy(b[28:], "\xfc\xff\xff\xff\xfc\xff\xff\xff") }), "4294967292 bytes of data in 4294967292 bytes"},
		"intel, further":  {update0(func(b []byte) { b[64] = 3 }), "does not fit into 44 bytes"},
		"intel, sum 2":    {update0(func(b []byte) { b[72]++ }), "wrong checksum of the table of further processors"},
		"intel, sum 3":    {update0(func(b []byte) { b[84]++; b[96]-- }), "wrong checksum of further processor 0x306a9"},
		"amd, short":      {[]byte("DMA\x00"), "want a header of 12 bytes, got 4 bytes"},
		"amd, type":       {container0(func(b []byte) { b[4] = 1 }), "want a table of processors (type 0), got type 1"},
		"amd, table":      {container0(func(b []byte) { b[8] = 200 }), "the table of processors has 200 bytes, of which the file has 94"},
		"amd, no table":   {container0(func(b []byte) { b[8] = 0 }), "the table of processors has 0 bytes"},
		"amd, no patch":   {container0(none)[:28], "want a patch behind 28 bytes, got 0 bytes"},
		"amd, patch type": {container0(func(b []byte) { b[28] = 2 }), "want a patch (type 1) behind 28 bytes, got type 2"},
		"amd, cut":        {container0(none)[:90], "the patch behind 28 bytes has 70 bytes, of which the file has 54"},
		"amd, small":      {container0(func(b []byte) { b[32] = 63 }), "has 63 bytes"},
		"amd, tail":       {append(container0(none), 1, 2), "want a patch behind 106 bytes, got 2 bytes"},
	} {
		got, err := Microcode(c.data)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

func table0(signature string, change func(b []byte)) []byte {
	b := append([]byte(signature), 40, 0, 0, 0)
	b = append(b, make([]byte, 32)...)
	for _, v := range b {
		b[9] -= v
	}
	change(b)
	return b
}

func TestTable(t *testing.T) {
	for name, c := range map[string]struct {
		data []byte
		want string // signature or error
	}{
		"table":    {table0("SSDT", none), "SSDT"},
		"mark":     {table0("ASF!", none), "ASF!"},
		"empty":    {nil, "empty file"},
		"short":    {[]byte("SSDT"), "want a header of 36 bytes, got 4 bytes"},
		"text":     {[]byte("De"), `no ACPI table: begins with "De"`},
		"archive":  {[]byte("07070100"), `no ACPI table: begins with "07070100"`},
		"lower":    {table0("ssdt", none), `begins with "ssdt(\x00\x00\x00"`},
		"too long": {append(table0("DSDT", none), 0), "ACPI table DSDT: the header says 40 bytes, the file has 41"},
		"cut":      {table0("DSDT", none)[:39], "the header says 40 bytes, the file has 39"},
		"sum":      {table0("DSDT", func(b []byte) { b[20]++ }), "ACPI table DSDT: wrong checksum"},
	} {
		got, err := Table(c.data)
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	if !Upgradable("SSDT") || Upgradable("TEST") || Upgradable("FACS") {
		t.Error("SSDT: want a table that kernels take; TEST, FACS: want others")
	}
}

// FuzzMicrocode holds that nothing panics, and that files which are accepted may be concatenated.
func FuzzMicrocode(f *testing.F) {
	f.Add(update0(none))
	f.Add(append(plain0(), update0(none)...))
	f.Add(container0(none))
	f.Add(table0("SSDT", none))
	f.Fuzz(func(t *testing.T, data []byte) {
		Table(data)
		path, err := Microcode(data)
		if err != nil {
			return
		}
		if again, err := Microcode(append(data[:len(data):len(data)], data...)); again != path || err != nil {
			t.Errorf("twice: got %q, %v, want %q", again, err, path)
		}
	})
}
