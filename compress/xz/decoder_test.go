package xz

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/ulikunitz/xz"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

func TestTool(t *testing.T) {
	testenv.Sequential(t)
	tool := testenv.Tool(t, "xz")
	all := samples(t)
	var d Decoder
	for _, args := range []string{
		"-0", "-6", "-9e", "-2 --check=none",
		"-0 --lzma2=dict=4KiB", "-6 --lzma2=dict=6KiB,nice=273", "-4 --lzma2=dict=96KiB",
		"-2 --lzma2=lc=0,lp=4,pb=4", "-2 --lzma2=lc=4,lp=0,pb=0", "-2 --lzma2=lc=1,lp=3,pb=1",
		"-1 --block-size=4096 --check=none", "-1 -T1 --block-size=10000", "-1 -T2 --block-size=100001", // with sizes in the headers
	} {
		t.Run(strings.ReplaceAll(args, " ", ""), func(t *testing.T) {
			for _, s := range all {
				t.Run(s.name, func(t *testing.T) {
					check(t, &d, xzTool(t, tool, s.data, append([]string{"--check=crc32"}, strings.Fields(args)...)...), s.data)
				})
			}
		})
	}
}

func TestLibrary(t *testing.T) {
	testenv.Sequential(t)
	var d Decoder
	for _, s := range samples(t) {
		t.Run(s.name, func(t *testing.T) {
			for _, c := range []xz.WriterConfig{
				{CheckSum: xz.CRC32},
				{CheckSum: xz.CRC32, DictCap: 1 << 16}, // with less it cannot write raw chunks
				{CheckSum: xz.CRC32, DictCap: 1 << 16, BlockSize: 33_333},
				{NoCheckSum: true, DictCap: 1 << 20},
			} {
				check(t, &d, encode(t, s.data, c), s.data)
			}
		})
	}
}

func TestReadSizes(t *testing.T) {
	data := text(newRand(), 200_000)
	packed := encode(t, data, xz.WriterConfig{CheckSum: xz.CRC32})
	var d Decoder
	for size := 1; size < 200_000; size = size*3 + 1 {
		d.Reset(iotest.HalfReader(iotest.DataErrReader(bytes.NewReader(packed))))
		var got []byte
		for buf := make([]byte, size); ; {
			n, err := d.Read(buf)
			got = append(got, buf[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(got, data) {
			t.Errorf("reads of %d bytes: got %d bytes that differ from the %d wanted", size, len(got), len(data))
		}
	}
}

func TestReset(t *testing.T) {
	data := text(newRand(), 100_000)
	packed := encode(t, data, xz.WriterConfig{CheckSum: xz.CRC32})
	var d Decoder
	if _, err := d.Read(make([]byte, 1)); err == nil || err == io.EOF {
		t.Errorf("read before Reset: got error %v, want one that says so", err)
	}
	for range 2 { // drop a stream half way
		d.Reset(bytes.NewReader(packed))
		if n, err := io.ReadFull(&d, make([]byte, 10)); n != 10 || err != nil {
			t.Fatalf("got %d bytes, error %v, want 10 bytes", n, err)
		}
	}
	if _, err := decode(&d, packed[:50]); err == nil {
		t.Error("cut stream: got no error")
	}
	check(t, &d, packed, data)
	if err := d.Reset(nil); err != nil {
		t.Errorf("Reset(nil): got error %v", err)
	}
	if n, err := d.Read(make([]byte, 1)); n != 0 || err == nil || err == io.EOF {
		t.Errorf("read after Reset(nil): got %d bytes, error %v, want an error", n, err)
	}
}

func TestSourceError(t *testing.T) {
	want := errors.New("disk on fire")
	packed := encode(t, text(newRand(), 10_000), xz.WriterConfig{CheckSum: xz.CRC32})
	var d Decoder
	for _, n := range []int{0, 3, 20, 100, len(packed) - 5, len(packed)} {
		d.Reset(io.MultiReader(bytes.NewReader(packed[:n]), iotest.ErrReader(want)))
		if _, err := io.ReadAll(&d); err != want {
			t.Errorf("after %d bytes: got error %v, want %v", n, err, want)
		}
	}
}

// TestAllocations holds that a decoder in use allocates nothing, and that its
// window is no larger than a block that tells its size.
func TestAllocations(t *testing.T) {
	testenv.Sequential(t)
	data := text(newRand(), 400_000)
	small := encode(t, data[:50_000], xz.WriterConfig{CheckSum: xz.CRC32, DictCap: 1 << 16})
	large := encode(t, data, xz.WriterConfig{CheckSum: xz.CRC32, DictCap: 1 << 20, BlockSize: 100_000})
	var d Decoder
	r := new(bytes.Reader)
	buf := make([]byte, 64<<10)
	got := testing.AllocsPerRun(5, func() {
		for _, packed := range [][]byte{large, small} {
			r.Reset(packed)
			d.Reset(r)
			for {
				if _, err := d.Read(buf); err == io.EOF {
					break
				} else if err != nil {
					t.Fatal(err)
				}
			}
		}
	})
	if got != 0 {
		t.Errorf("got %v allocations for two streams, want 0", got)
	}
	if got, want := cap(d.window.buf), 1<<20+2*margin; got != want {
		t.Errorf("got a window of %d bytes for a dictionary of 1 MiB, want %d", got, want)
	}

	d = Decoder{}
	check(t, &d, xzTool(t, testenv.Tool(t, "xz"), data, "-6", "--check=crc32", "-T2", "--block-size=100000"), data)
	if got, want := cap(d.window.buf), 100_000+margin; got != want {
		t.Errorf("got a window of %d bytes for blocks of 100000, want %d", got, want)
	}
}
