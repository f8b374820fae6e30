package compress

import "testing"

func TestNamed(t *testing.T) {
	for path, want := range map[string]string{
		"root.cpio.gz": "gzip", "a.zst": "zstd", "a.xz": "xz", "a.lz4": "lz4", "a.bz2": "bzip2", "a.lzma": "lzma", "a.lzo": "lzo",
		"root.img": "", "root.cpio": "", "gz": "", "": "",
	} {
		got := ""
		if c := Named(path); c != nil {
			got = c.Name
		}
		if got != want {
			t.Errorf("%q: got codec %q, want %q", path, got, want)
		}
	}
}
