package builder

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// TestPacked checks that an image has the same bytes without a cache, with an empty one and
// with a full one. Progress counts every byte once.
func TestPacked(t *testing.T) {
	dir := t.TempDir()
	base := sourceTree(t, dir)
	cached := 0
	for _, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			slowXZ(t, kind.name)
			o := options(t)
			want, err := Build(t.Context(), io.Discard, parse(t, dir, kind.manifest+base), o)
			if err != nil {
				t.Fatal(err)
			}
			o.Cache = t.TempDir()
			for _, full := range []bool{false, true} {
				var last, total int64
				o.Progress = func(done, of int64) { last, total = done, of }
				got, err := Build(t.Context(), io.Discard, parse(t, dir, kind.manifest+base), o)
				if err != nil {
					t.Fatal(err)
				}
				if got.SHA256 != want.SHA256 {
					t.Errorf("got another image with a cache (full: %v)", full)
				}
				if last != total || total < got.Unpacked {
					t.Errorf("told of %d bytes of %d, want all", last, total)
				}
				cached += checkCached(t, got, full)
			}
		})
	}
	if cached < len(kinds) {
		t.Errorf("%d parts of %d images came from the cache, want more", cached, len(kinds))
	}
}

// largeEnough is the least size of an archive that is cached, in bytes.
const largeEnough = 64 << 10

// checkCached checks that what is large and slow to compress came from the cache, or
// that nothing did, and returns how much did.
func checkCached(t *testing.T, r *Report, full bool) int {
	t.Helper()
	slow := map[string]bool{"gzip": true, "xz": true, "zstd": true}
	found := 0
	for _, s := range r.Segments {
		if want := full && slow[s.Codec] && s.Unpacked >= largeEnough; s.Cached != want {
			t.Errorf("segment %+v: want cached %v", s, want)
		}
		if s.Cached {
			found++
		}
	}
	for i, m := range r.Members {
		if want := full && slow[r.Payload] && m.Unpacked >= largeEnough; m.Cached != want {
			t.Errorf("member %d %+v: want cached %v", i, m, want)
		}
		if m.Cached {
			found++
		}
	}
	return found
}

// TestPackedByCodec checks that the cache keeps the output of each codec and level apart.
func TestPackedByCodec(t *testing.T) {
	dir := t.TempDir()
	base := sourceTree(t, dir)
	cache := t.TempDir()
	sums := map[string]string{}
	for _, codec := range []string{"gzip:1", "gzip:9", "zstd:1", "zstd:9", "xz:1"} {
		o := options(t)
		o.Cache = cache
		r, err := Build(t.Context(), io.Discard, parse(t, dir, "root: {type: none}\ncompress: '"+codec+"'"+base), o)
		if err != nil {
			t.Fatal(err)
		}
		checkCached(t, r, false)
		if other := sums[r.SHA256]; other != "" {
			t.Errorf("the images of %s and %s are the same", codec, other)
		}
		sums[r.SHA256] = codec
	}
}

// TestPackedSourceChanges checks that a changed source is an error both before and after a look
// in the cache.
func TestPackedSourceChanges(t *testing.T) {
	dir := t.TempDir()
	base := sourceTree(t, dir)
	o := options(t)
	o.Cache = t.TempDir()
	for range 2 {
		p, err := prepare(t.Context(), parse(t, dir, "root: {type: none}"+base), o, toWrite)
		if err != nil {
			t.Fatal(err)
		}
		defer p.sources.Close()
		path := filepath.Join(dir, "tree/large")
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil { // with another time
			t.Fatal(err)
		}
		if _, err := writeStream(t.Context(), p, io.Discard); err == nil {
			t.Error("got no error for a source that changed")
		}
		if _, err := Build(t.Context(), io.Discard, parse(t, dir, "root: {type: none}"+base), o); err != nil {
			t.Fatal(err)
		}
	}
}
