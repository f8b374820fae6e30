package image

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/compress"
)

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
			rest = bytes.ReplaceAll(bytes.ReplaceAll(rest, []byte{0}, nil), []byte{0xff}, nil)
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
