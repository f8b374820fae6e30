package builder

import (
	"bytes"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/manifests"
)

// TestZeroManifest builds manifests that are put together in Go: an empty one is that of a
// file with nothing but its version.
func TestZeroManifest(t *testing.T) {
	text := "hello\n"
	built := func(m *manifests.Manifest) []byte {
		var img bytes.Buffer
		if _, err := Build(t.Context(), &img, m, options(t)); err != nil {
			t.Fatal(err)
		}
		return img.Bytes()
	}
	want := built(parse(t, "", "arch: arm\ncontents: [{type: file, dst: /etc/motd, content: \"hello\\n\"}]\n"))
	motd := &manifests.File{Item: manifests.Item{Dst: "/etc/motd"}, Text: &text}
	standard := manifests.Default()
	standard.Arch, standard.Contents = "arm/v7", []manifests.Content{motd}
	for name, m := range map[string]*manifests.Manifest{
		"an empty manifest": {Arch: "arm/v7", Contents: []manifests.Content{motd}},
		"the default one":   standard,
		"a type alone":      {Arch: "arm/v7", Root: manifests.Root{Type: manifests.Tmpfs}, Contents: []manifests.Content{motd}},
	} {
		if !bytes.Equal(built(m), want) {
			t.Errorf("%s: got another image, want that of the manifest in YAML", name)
		}
	}
	_, err := Check(t.Context(), &manifests.Manifest{Root: manifests.Root{Type: "tmpsf"}}, Options{})
	if want := `<manifest>: unknown type "tmpsf" (did you mean "tmpfs"?)`; err == nil || err.Error() != want {
		t.Errorf("got error %v, want %s", err, want)
	}
	_, err = Check(t.Context(), &manifests.Manifest{Contents: []manifests.Content{&manifests.Dir{}}}, Options{})
	if err == nil || !strings.Contains(err.Error(), `dst "": empty`) {
		t.Errorf("got error %v, want one about dst", err)
	}
}
