package oci

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	ispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// memory are files in memory.
type memory map[string]string

func (m memory) ReadFile(name string, most int64) ([]byte, error) {
	text, ok := m[name]
	switch {
	case !ok:
		return nil, fs.ErrNotExist
	case int64(len(text)) > most:
		return nil, fmt.Errorf("%d bytes", len(text))
	}
	return []byte(text), nil
}

// add adds a blob and returns what a descriptor has of it.
func (m memory) add(text string) string {
	d := digest.FromString(text)
	m[blobFile(d)] = text
	return fmt.Sprintf(`"digest":"%s","size":%d`, d, len(text))
}

const (
	layoutText = `{"imageLayoutVersion":"1.0.0"}`
	configText = `{"os":"linux","architecture":"amd64","config":{"Entrypoint":["/app"],"Cmd":["-v"],"Env":["A=b"],"WorkingDir":"/srv","User":"app:7"},` +
		`"rootfs":{"type":"layers","diff_ids":["sha256:0123456789012345678901234567890123456789012345678901234567890123"]}}`
	manifestText = `{"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",CONFIG},` +
		`"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip","digest":"sha256:0123456789012345678901234567890123456789012345678901234567890123","size":7}]}`
	indexText = `{"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",MANIFEST,` +
		`"annotations":{"org.opencontainers.image.ref.name":"app"},"platform":{"os":"linux","architecture":"amd64"}}]}`
	nestedText = `{"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json",INDEX}]}`
	savedText  = `[{"Config":"c.json","RepoTags":["app:latest"],"Layers":["l/layer.tar"]}]`
)

// image returns files with the given documents. Each may have the place of another one in it.
func image(index, manifest, config string) memory {
	m := memory{layoutFile: layoutText}
	manifest = strings.ReplaceAll(manifest, "CONFIG", m.add(config))
	index = strings.ReplaceAll(index, "MANIFEST", m.add(manifest))
	inner := strings.ReplaceAll(indexText, "MANIFEST", m.add(manifest))
	m[indexFile] = strings.ReplaceAll(index, "INDEX", m.add(inner))
	return m
}

func TestFind(t *testing.T) {
	saved := memory{dockerFile: savedText, "c.json": configText}
	for name, files := range map[string]memory{
		"layout": image(indexText, manifestText, configText),
		"nested": image(nestedText, manifestText, configText),
		"docker": saved,
	} {
		img, err := Find(files, Want{Platform: ispec.Platform{OS: "linux", Architecture: "amd64"}})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := fmt.Sprintf("%q %d", img.Process, len(img.Layers))
		if want := `{["/app"] ["-v"] ["A=b"] "/srv" "app:7"} 1`; got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// TestFindByDigest names a manifest and an index by their digests.
func TestFindByDigest(t *testing.T) {
	files := image(nestedText, manifestText, configText)
	files[indexFile] = strings.Replace(files[indexFile], "]}", `,{"mediaType":"application/vnd.oci.image.manifest.v1+json",`+files.add("{}")+`}]}`, 1)
	for name, text := range files {
		id := digest.FromString(text).String()
		_, err := Find(files, Want{Ref: id})
		if want := strings.Contains(text, `"layers":[`) || strings.Contains(text, `"manifests":[`) && name != indexFile; want != (err == nil) {
			t.Errorf("%.60s: got error %v", text, err)
		}
	}
}

// TestFindBounds reads documents that would take too much time or memory.
func TestFindBounds(t *testing.T) {
	deep := image(indexText, manifestText, configText)
	for range maxDepth + 1 {
		deep[indexFile] = strings.ReplaceAll(nestedText, "INDEX", deep.add(deep[indexFile]))
	}
	many, large := memory{layoutFile: layoutText}, memory{layoutFile: layoutText}
	var some, nested []string
	for i := range maxImages + 1 {
		d := digest.FromString(fmt.Sprint(i))
		some = append(some, fmt.Sprintf(`{"mediaType":"x","digest":"%s"}`, d))
	}
	many[indexFile] = `{"manifests":[` + strings.Join(some, ",") + `]}`
	for i := range 17 {
		nested = append(nested, `{"mediaType":"application/vnd.oci.image.index.v1+json",`+large.add("{}"+strings.Repeat(" ", maxDocument-10-i))+"}")
	}
	large[indexFile] = `{"manifests":[` + strings.Join(nested, ",") + `]}`
	layers := memory{dockerFile: `[{"Config":"c.json","Layers":[""` + strings.Repeat(`,""`, maxLayers) + `]}]`, "c.json": configText}
	for want, files := range map[string]memory{
		"more than 10000 layers": layers,
		"an index in 8 others":   deep, "more than 10000 images": many,
		"indexes, manifests and configurations of more than 64 MiB": large,
	} {
		if _, err := Find(files, Want{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want %q", err, want)
		}
	}
}

func TestRank(t *testing.T) {
	platform := func(text string) ispec.Platform {
		p := ispec.Platform{}
		p.OS, p.Architecture, _ = strings.Cut(text, "/")
		p.Architecture, p.Variant, _ = strings.Cut(p.Architecture, "/")
		return p
	}
	for want, haves := range map[string][]string{ // the best first, and then those that do not fit
		"linux/amd64":     {"linux/amd64", "", "linux/amd64/v2", "linux/arm64", "windows/amd64"},
		"linux/amd64/v3":  {"linux/amd64/v3", "linux/amd64/v2", "linux/amd64", "", "linux/amd64/v4"},
		"linux/arm":       {"linux/arm/v7", "linux/arm/v6", "linux/arm/v5", "", "linux/arm/v8", "linux/arm64"},
		"linux/arm/v6":    {"linux/arm/v6", "linux/arm/v5", "", "linux/arm", "linux/arm/soft"},
		"linux/arm64/v8":  {"linux/arm64", "", "linux/arm64/v9"},
		"linux/arm64/v9":  {"linux/arm64/v9", "linux/arm64/v8.1", "linux/arm64", "", "linux/arm64/v9.1"},
		"linux/ppc64le":   {"linux/ppc64le", "", "linux/ppc64le/power9", "linux/ppc64"},
		"linux/mips/soft": {"linux/mips/soft", "", "linux/mips", "linux/mips/hard"},
	} {
		last := 1001
		for _, have := range haves {
			r := rank(platform(want), platform(have))
			if last > 0 && (r > last || r == last && have != "") || last == 0 && r != 0 {
				t.Errorf("%s: got rank %d for %q after %d", want, r, have, last)
			}
			if have == "" {
				last = 0
			} else if last > 0 {
				last = r
			}
		}
	}
}

// FuzzFind holds that no documents make Find fail in another way than with an error.
func FuzzFind(f *testing.F) {
	f.Add(indexText, manifestText, configText)
	f.Add(nestedText, manifestText, configText)
	f.Add(`{"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",MANIFEST},{"mediaType":"x",INDEX}]}`, manifestText, configText)
	f.Add("", savedText, configText)
	f.Fuzz(func(t *testing.T, index, manifest, config string) {
		files := image(index, manifest, config)
		if index == "" {
			files = memory{dockerFile: manifest, "c.json": config}
		}
		img, err := Find(files, Want{})
		if err != nil {
			return
		}
		for _, l := range img.Layers {
			if err := l.DiffID.Validate(); err != nil {
				t.Errorf("got the layer %+v: %v", l, err)
			}
		}
	})
}

// FuzzArchive holds that the members of whatever archive can be opened or not, within its size.
func FuzzArchive(f *testing.F) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, text := range image(nestedText, manifestText, configText) {
		w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "./" + name, Size: int64(len(text))})
		w.Write([]byte(text))
	}
	w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: "a/layer.tar", Linkname: "../b/layer.tar"})
	w.WriteHeader(&tar.Header{Typeflag: tar.TypeLink, Name: "b/layer.tar", Linkname: "oci-layout"})
	if err := w.Close(); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:b.Len()/2])
	f.Fuzz(func(t *testing.T, data []byte) {
		name := filepath.Join(t.TempDir(), "a.tar")
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		a, err := ReadArchive(file, 1000, func() error { return nil })
		if err != nil {
			return
		}
		for name := range a.members {
			text, err := a.ReadFile(name, 1<<20)
			if err == nil && len(text) > len(data) {
				t.Errorf("%q: got %d bytes of an archive of %d", name, len(text), len(data))
			}
		}
		Find(a, Want{})
	})
}
