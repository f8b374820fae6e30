package source

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	ispec "github.com/opencontainers/image-spec/specs-go/v1"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// layout is an OCI image layout in the making: its files by name.
type layout struct {
	files map[string]string
	index ispec.Index
}

func newLayout() *layout {
	return &layout{
		files: map[string]string{"oci-layout": `{"imageLayoutVersion": "1.0.0"}`},
		index: ispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ispec.MediaTypeImageIndex},
	}
}

// blob adds a blob.
func (l *layout) blob(mediaType string, data []byte) ispec.Descriptor {
	d := digest.FromBytes(data)
	l.files["blobs/sha256/"+d.Encoded()] = string(data)
	return ispec.Descriptor{MediaType: mediaType, Digest: d, Size: int64(len(data))}
}

func (l *layout) document(mediaType string, value any) ispec.Descriptor {
	return l.blob(mediaType, encode(value))
}

func encode(value any) []byte {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return data
}

// image adds an image for a platform and returns its descriptor. pack compresses the layers, and
// may be nil.
func (l *layout) image(platform string, suffix string, pack func([]byte) []byte, layers ...[]byte) ispec.Descriptor {
	var c ispec.Image
	c.RootFS.Type = "layers"
	c.OS, c.Architecture, _ = strings.Cut(platform, "/")
	c.Architecture, c.Variant, _ = strings.Cut(c.Architecture, "/")
	m := ispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ispec.MediaTypeImageManifest}
	for _, layer := range layers {
		c.RootFS.DiffIDs = append(c.RootFS.DiffIDs, digest.FromBytes(layer))
		if pack != nil {
			layer = pack(layer)
		}
		m.Layers = append(m.Layers, l.blob(ispec.MediaTypeImageLayer+suffix, layer))
	}
	m.Config = l.document(ispec.MediaTypeImageConfig, c)
	return l.document(m.MediaType, m)
}

// name gives a descriptor a name and adds it to the index.
func (l *layout) name(name string, d ispec.Descriptor) {
	if name != "" {
		d.Annotations = map[string]string{ispec.AnnotationRefName: name}
	}
	l.index.Manifests = append(l.index.Manifests, d)
}

// all returns the files, with the index.
func (l *layout) all() map[string]string {
	l.files["index.json"] = string(encode(l.index))
	return l.files
}

// saved returns the files of an image as docker save wrote them before version 25.
func saved(tags []string, layers ...[]byte) map[string]string {
	all := map[string]string{}
	var c ispec.Image
	c.RootFS.Type, c.OS, c.Architecture = "layers", "linux", "amd64"
	var names []string
	for i, layer := range layers {
		c.RootFS.DiffIDs = append(c.RootFS.DiffIDs, digest.FromBytes(layer))
		name := fmt.Sprintf("%064d/layer.tar", i)
		all[name] = string(layer)
		names = append(names, name)
	}
	config := encode(c)
	file := fmt.Sprintf("%x.json", sha256.Sum256(config))
	all[file] = string(config)
	all["manifest.json"] = string(encode([]map[string]any{{"Config": file, "RepoTags": tags, "Layers": names}}))
	return all
}

// packed returns a tarball of files.
func packed(t testing.TB, files map[string]string) []byte {
	t.Helper()
	var members []member
	for _, name := range slices.Sorted(maps.Keys(files)) {
		members = append(members, member{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}, files[name]})
	}
	return archive(t, tar.FormatPAX, members...)
}

func zstandard(t *testing.T, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

// layerOf packs a layer of empty files, of directories with a slash at the end and of links.
func layerOf(t testing.TB, names ...string) []byte {
	t.Helper()
	var members []member
	for _, name := range names {
		m := member{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644}, ""}
		if link, target, ok := strings.Cut(name, " -> "); ok {
			m.Header = tar.Header{Typeflag: tar.TypeSymlink, Name: link, Linkname: target, Mode: 0o777}
		} else if link, target, ok := strings.Cut(name, " = "); ok {
			m.Header = tar.Header{Typeflag: tar.TypeLink, Name: link, Linkname: target}
		} else if file, text, ok := strings.Cut(name, ": "); ok {
			m.Name, m.content = file, text
		} else if strings.HasSuffix(name, "/") {
			m.Typeflag, m.Mode = tar.TypeDir, 0o755
		}
		members = append(members, m)
	}
	return archive(t, tar.FormatPAX, members...)
}

// listOCI reads an image of a directory and of a tarball and compares both.
func listOCI(t *testing.T, image map[string]string, request manifests.OCI, env Env, want string) {
	t.Helper()
	dir := files(t, image)
	tarball := files(t, map[string]string{"image": string(packed(t, image))}) + "/image"
	if !strings.HasPrefix(want, "m:1: ") && request.Dst == "" {
		want = "/ dir 0755 implied\n" + strings.TrimPrefix(want, "\n")
	}
	for _, src := range []string{dir, tarball} {
		r := request
		r.Src, r.Pos = src, manifests.Pos{File: "m", Line: 1}
		var warned strings.Builder
		e := env
		clean := func(text string) string { return strings.ReplaceAll(text, src, "image") }
		e.Warn = func(text string) { fmt.Fprintln(&warned, "warning:", clean(text)) }
		got, err := ask(t, &e, &r)
		if err != nil {
			err = fmt.Errorf("%s", clean(err.Error()))
		}
		compareAll(t, dir, got, err, warned.String(), want)
	}
}

// mounts are the directories that every root gets.
const ociMounts = "/dev dir 0755 implied\n/proc dir 0755 implied\n/run dir 0755 implied\n/sys dir 0755 implied\n"

func TestOCICodecs(t *testing.T) {
	layers := [][]byte{layerOf(t, "etc/", "etc/a: one", "etc/b: b"), layerOf(t, "etc/a: two", "etc/.wh.b")}
	want := "/dev dir 0755 implied\n/etc dir 0755 mtime=1000 implied\n/etc/a file 0644 mtime=1000 \"two\"\n/proc dir 0755 implied\n/run dir 0755 implied\n/sys dir 0755 implied\n"
	for suffix, pack := range map[string]func([]byte) []byte{
		"":      nil,
		"+gzip": func(data []byte) []byte { return gzipped(t, data) },
		"+zstd": func(data []byte) []byte { return zstandard(t, data) },
	} {
		t.Run("layout"+suffix, func(t *testing.T) {
			l := newLayout()
			l.name("app", l.image("linux/amd64", suffix, pack, layers...))
			listOCI(t, l.all(), manifests.OCI{}, Env{Arch: "amd64"}, want)
		})
	}
	t.Run("zstd:chunked", func(t *testing.T) {
		skipped := "\x50\x2a\x4d\x18\x04\x00\x00\x00data"
		l := newLayout()
		l.name("app", l.image("linux/amd64", "+zstd", func(data []byte) []byte {
			return slices.Concat([]byte(skipped), zstandard(t, data[:1000]), []byte(skipped), zstandard(t, data[1000:]), []byte(skipped+skipped))
		}, layers...))
		listOCI(t, l.all(), manifests.OCI{}, Env{Arch: "amd64"}, want)
	})
	t.Run("without an end, as by umoci insert", func(t *testing.T) {
		l := newLayout()
		l.name("app", l.image("linux/amd64", "", nil, layers[0], layers[1][:len(layers[1])-1024]))
		listOCI(t, l.all(), manifests.OCI{}, Env{Arch: "amd64"}, want)
	})
	t.Run("docker", func(t *testing.T) {
		listOCI(t, saved([]string{"app:latest"}, layers...), manifests.OCI{}, Env{Arch: "amd64"}, want)
	})
	t.Run("both indexes", func(t *testing.T) {
		l := newLayout()
		l.name("app", l.image("linux/amd64", "", nil, layers...))
		both := l.all()
		maps.Copy(both, saved([]string{"app"}, layerOf(t, "wrong")))
		listOCI(t, both, manifests.OCI{}, Env{Arch: "amd64"}, want)
	})
	t.Run("another codec than it says", func(t *testing.T) {
		l := newLayout()
		l.name("app", l.image("linux/amd64", "+zstd", func(data []byte) []byte { return gzipped(t, data) }, layers[0]))
		first := digest.FromBytes(gzipped(t, layers[0]))
		listOCI(t, l.all(), manifests.OCI{Exclude: globs("etc")}, Env{Arch: "amd64"}, ociMounts+
			"warning: m:1: image: layer 1 of 1 ("+first.String()+"): its content says gzip for the compression, and its media type zstd\n")
	})
	t.Run("empty layer", func(t *testing.T) {
		l := newLayout()
		l.name("app", l.image("linux/amd64", "", nil, []byte{}, layers[0], bytes.Repeat([]byte{0}, 1024)))
		listOCI(t, l.all(), manifests.OCI{Exclude: globs("etc")}, Env{Arch: "amd64"}, ociMounts)
	})
}

func TestOCIRoot(t *testing.T) {
	l := newLayout()
	l.name("app", l.image("linux/amd64", "", nil, archive(t, tar.FormatPAX,
		member{tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o711}, ""},
		member{tar.Header{Typeflag: tar.TypeReg, Name: "etc/a", Mode: 0o600, Uid: 7, Gid: 8}, "text"},
		member{tar.Header{Typeflag: tar.TypeLink, Name: "etc/b", Linkname: "etc/a"}, ""},
		member{tar.Header{Typeflag: tar.TypeSymlink, Name: "run", Linkname: "var/run"}, ""},
		member{tar.Header{Typeflag: tar.TypeReg, Name: "ping", PAXRecords: map[string]string{"SCHILY.xattr.user.x": "y"}}, ""},
		member{tar.Header{Typeflag: tar.TypeReg, Name: "../up"}, ""},
	), layerOf(t, "ping: new")))
	l.image("linux/amd64", "", nil)
	// Missing mount points are made, also in another place. What is excluded hands its content to
	// another name. Attributes of files that a later layer replaces count no more.
	listOCI(t, l.all(), manifests.OCI{Item: manifests.Item{Dst: "/srv/root"}, Exclude: globs("etc/a", "sys")}, Env{Arch: "amd64", Clock: ClockAt(new(int64))}, `
/srv/root dir 0711 implied
/srv/root/dev dir 0755 implied
/srv/root/etc dir 0755 implied
/srv/root/etc/b file 0600 owner=7:8 "text"
/srv/root/ping file 0644 "new"
/srv/root/proc dir 0755 implied
/srv/root/run link 0777 -> var/run
/srv/root/up file 0000 ""
warning: m:1: image: names with ".." are taken as runtimes do, without a way out of the root: ../up
`)
	// A hard link that outlives the whiteout before it is no error, as it may as well stand
	// before it.
	l = newLayout()
	l.name("app", l.image("linux/amd64", "", nil, layerOf(t, "d/", "d/a: text", "d/b = d/a", "x: x"),
		layerOf(t, ".wh.d", ".wh.x", "c = d/a", "y = x", "z = y")))
	listOCI(t, l.all(), manifests.OCI{Exclude: globs("dev", "proc", "sys", "run")}, Env{Arch: "amd64"}, `
/c file 0644 mtime=1000 "text"
/y file 0644 mtime=1000 "x"
/z hard /y
`)
	// Only regular files are whiteouts.
	l = newLayout()
	l.name("app", l.image("linux/amd64", "", nil, layerOf(t, "a", "b"), layerOf(t, ".wh.a/", ".wh.a/x", ".wh.b -> c")))
	listOCI(t, l.all(), manifests.OCI{Exclude: globs("dev", "proc", "sys", "run")}, Env{Arch: "amd64"}, `
/.wh.a dir 0755 mtime=1000 implied
/.wh.a/x file 0644 mtime=1000 ""
/.wh.b link 0777 mtime=1000 -> c
/a file 0644 mtime=1000 ""
/b file 0644 mtime=1000 ""
`)
}

func TestOCIFaults(t *testing.T) {
	layer := layerOf(t, "a: text")
	blob := "blobs/sha256/" + digest.FromBytes(layer).Encoded()
	one := func(change func(l *layout, image ispec.Descriptor)) map[string]string {
		l := newLayout()
		image := l.image("linux/amd64", "", nil, layer)
		l.name("app", image)
		l.all()
		if change != nil {
			change(l, image)
		}
		return l.files
	}
	layers := func(layers ...[]byte) map[string]string {
		l := newLayout()
		l.name("app", l.image("linux/amd64", "", nil, layers...))
		return l.all()
	}
	inLayer := func(of ...[]byte) string {
		return fmt.Sprintf("layer %d of %[1]d (%s): ", len(of), digest.FromBytes(of[len(of)-1]))
	}
	id := digest.FromBytes(layer).String()
	for name, test := range map[string]struct {
		image map[string]string
		want  string
	}{
		"no layout file": {one(func(l *layout, _ ispec.Descriptor) { delete(l.files, "oci-layout") }), "has an index.json and no file oci-layout, as a layout must"},
		"other version":  {one(func(l *layout, _ ispec.Descriptor) { l.files["oci-layout"] = `{"imageLayoutVersion": "2.0"}` }), "oci-layout: a layout of version \"2.0\", where 1.0.0 is known"},
		"no JSON":        {one(func(l *layout, _ ispec.Descriptor) { l.files["index.json"] = "<html>" }), "index.json: invalid character '<' looking for beginning of value"},
		"empty":          {one(func(l *layout, _ ispec.Descriptor) { l.files["index.json"] = "" }), "index.json: unexpected end of JSON input"},
		"no images":      {one(func(l *layout, _ ispec.Descriptor) { l.files["index.json"] = "{}" }), "has no image"},
		"large index":    {one(func(l *layout, _ ispec.Descriptor) { l.files["index.json"] = strings.Repeat(" ", 5<<20) }), "index.json: 5242880 bytes, where 4194304 are the most"},
		"many objects": {one(func(l *layout, _ ispec.Descriptor) {
			l.files["index.json"] = `{"manifests":[` + strings.Repeat("{},", 70000) + "{}]}"
		}), "index.json: 70002 objects, where 65536 are the most"},
		"missing layer":    {one(func(l *layout, _ ispec.Descriptor) { delete(l.files, blob) }), inLayer(layer) + "file does not exist"},
		"changed layer":    {one(func(l *layout, _ ispec.Descriptor) { l.files[blob] = strings.Replace(string(layer), "text", "next", 1) }), inLayer(layer) + "blob " + id + ": its content has the digest " + digest.FromString(strings.Replace(string(layer), "text", "next", 1)).String()},
		"cut layer":        {one(func(l *layout, _ ispec.Descriptor) { l.files[blob] = string(layer[:1024]) }), inLayer(layer) + "blob " + id + ": has 1024 bytes, want 2048"},
		"missing manifest": {one(func(l *layout, d ispec.Descriptor) { delete(l.files, "blobs/sha256/"+d.Digest.Encoded()) }), "blob IMAGE: file does not exist"},
		"changed manifest": {one(func(l *layout, d ispec.Descriptor) { l.files["blobs/sha256/"+d.Digest.Encoded()] += " " }), "blob IMAGE: has 398 bytes, want 397"},
		"artifact": {one(func(l *layout, d ispec.Descriptor) {
			d.MediaType = "application/x.sbom"
			l.index.Manifests = []ispec.Descriptor{d}
			l.all()
		}), "no image, but an artifact of the type \"application/x.sbom\""},
		"negative size": {one(func(l *layout, d ispec.Descriptor) {
			d.Size = -1
			l.index.Manifests = []ispec.Descriptor{d}
			l.all()
		}), "blob IMAGE: its size is given as -1"},
		"no digest": {one(func(l *layout, d ispec.Descriptor) {
			d.Digest = "sha256:../../../etc/passwd"
			l.index.Manifests = []ispec.Descriptor{d}
			l.all()
		}), "blob \"sha256:../../../etc/passwd\": invalid checksum digest length"},
		"index for image": {one(func(l *layout, d ispec.Descriptor) {
			d.MediaType = ispec.MediaTypeImageIndex
			l.index.Manifests = []ispec.Descriptor{d}
			l.all()
		}), "blob IMAGE: its media type is \"application/vnd.oci.image.manifest.v1+json\", and \"application/vnd.oci.image.index.v1+json\" where it is named"},
		"type of layer": {one(func(l *layout, _ ispec.Descriptor) {
			l.index.Manifests = nil
			l.name("app", l.image("linux/amd64", "+encrypted", nil, layer))
			l.all()
		}), "blob \"" + id + "\": no layer: its media type is \"application/vnd.oci.image.layer.v1.tar+encrypted\""},
		"junk in a layer":   {layers([]byte(strings.Repeat("junk", 1000))), inLayer([]byte(strings.Repeat("junk", 1000))) + "not a tar archive, or a damaged one"},
		"nameless whiteout": {layers(layerOf(t, "a/.wh.")), inLayer(layerOf(t, "a/.wh.")) + "member \"a/.wh.\": a whiteout of nothing that could be there"},
		"whiteout of .":     {layers(layerOf(t, ".wh..")), inLayer(layerOf(t, ".wh..")) + "member \".wh..\": a whiteout of nothing that could be there"},
		"whiteout of ..":    {layers(layerOf(t, ".wh...")), inLayer(layerOf(t, ".wh...")) + "member \".wh...\": a whiteout of nothing that could be there"},
		"lost target":       {layers(layerOf(t, "a"), layerOf(t, "b = c")), inLayer(layerOf(t, "a"), layerOf(t, "b = c")) + "member \"b\": hard link to \"/c\", which no layer has up to here"},
		"below a file":      {layers(layerOf(t, "a", "a/b")), inLayer(layerOf(t, "a", "a/b")) + "member \"a/b\": \"/a\": not a directory"},
		"old docker save":   {map[string]string{"repositories": "{}", "x/layer.tar": ""}, "has only what docker save wrote before version 1.10\n  docker load it, and save it again"},
		"skopeo dir":        {map[string]string{"manifest.json": "{}", "version": "Directory Transport Version: 1.1"}, "manifest.json is one manifest and no list: skopeo's format dir\n  skopeo copy dir:DIR oci:LAYOUT makes a layout of it"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLayout()
			image := l.image("linux/amd64", "", nil, layer)
			want := strings.ReplaceAll(test.want, "IMAGE", image.Digest.String())
			listOCI(t, test.image, manifests.OCI{}, Env{Arch: "amd64"}, "m:1: image: "+want+"\n")
		})
	}
	for name, change := range map[string]struct {
		change func(image map[string]string)
		want   string
	}{
		"changed layer": {func(image map[string]string) { image[fmt.Sprintf("%064d/layer.tar", 0)] = string(layerOf(t, "b")) },
			fmt.Sprintf("layer 1 of 1 (%064d/layer.tar): unpacked it has the digest %s, where the configuration has %s", 0, digest.FromBytes(layerOf(t, "b")), id)},
		"missing layer": {func(image map[string]string) { delete(image, fmt.Sprintf("%064d/layer.tar", 0)) },
			fmt.Sprintf("layer 1 of 1 (%064d/layer.tar): file does not exist", 0)},
		"changed configuration": {func(image map[string]string) {
			for name := range image {
				if strings.HasSuffix(name, ".json") && name != "manifest.json" {
					image[name] = "{}"
				}
			}
		}, "blob CONFIG: its content has the digest " + digest.FromString("{}").String()},
		"a configuration outside": {func(image map[string]string) {
			image["manifest.json"] = `[{"Config": "../../../etc/passwd", "Layers": []}]`
		}, `"../../../etc/passwd": file does not exist`},
		"fewer layers": {func(image map[string]string) {
			image["manifest.json"] = strings.Replace(image["manifest.json"], fmt.Sprintf(`"%064d/layer.tar"`, 0), "", 1)
		}, "the image has 0 layers, and digests for 1"},
	} {
		t.Run("docker: "+name, func(t *testing.T) {
			image, config := saved(nil, layer), ""
			for name := range image {
				if name, ok := strings.CutSuffix(name, ".json"); ok && name != "manifest" {
					config = "sha256:" + name
				}
			}
			change.change(image)
			listOCI(t, image, manifests.OCI{}, Env{Arch: "amd64"}, "m:1: image: "+strings.ReplaceAll(change.want, "CONFIG", config)+"\n")
		})
	}
	t.Run("limits", func(t *testing.T) {
		six := layerOf(t, "a", "b", "c", "d", "e", "f")
		listOCI(t, layers(six), manifests.OCI{}, Env{Arch: "amd64", Limits: Limits{Entries: 5}},
			"m:1: image: "+inLayer(six)+"member \"f\": more than 5 entries\n  --source-entries N allows more\n")
		listOCI(t, layers(layer, layer), manifests.OCI{}, Env{Arch: "amd64", Limits: Limits{Unpacked: 3000}},
			"m:1: image: "+inLayer(layer, layer)+"unpacks to more than 3000 bytes\n  --source-size SIZE allows more\n")
		var long [3][]byte
		for i := range long { // of targets that are too long together
			var links []string
			for j := range 2000 {
				links = append(links, fmt.Sprintf("%d-%d -> %s", i, j, strings.Repeat("x", 4000)))
			}
			long[i] = layerOf(t, links...)
		}
		listOCI(t, layers(long[:]...), manifests.OCI{}, Env{Arch: "amd64"}, "m:1: image: "+inLayer(long[:]...)+
			"member \"2-802\": the paths and extended attributes up to here take more than 16 MiB, which those of no root do\n")
		packed := newLayout()
		zeros := archive(t, tar.FormatPAX, member{tar.Header{Typeflag: tar.TypeReg, Name: "zeros"}, strings.Repeat("\x00", 1<<20)})
		packed.name("app", packed.image("linux/amd64", "+gzip", func(data []byte) []byte { return gzipped(t, data) }, zeros))
		listOCI(t, packed.all(), manifests.OCI{}, Env{Arch: "amd64", Limits: Limits{Unpacked: 100 << 10}}, "m:1: image: layer 1 of 1 ("+
			digest.FromBytes(gzipped(t, zeros)).String()+"): unpacks to more than 100 KiB\n  --source-size SIZE allows more\n")
	})
}

func TestOCIChoice(t *testing.T) {
	layer := layerOf(t, "a")
	l := newLayout()
	on := func(platform string) ispec.Descriptor {
		d := l.image(platform, "", nil, layerOf(t, platform+": x"))
		os, arch, _ := strings.Cut(platform, "/")
		arch, variant, _ := strings.Cut(arch, "/")
		d.Platform = &ispec.Platform{OS: os, Architecture: arch, Variant: variant}
		return d
	}
	attestation := l.document(ispec.MediaTypeImageManifest, map[string]string{})
	attestation.Platform = &ispec.Platform{OS: "unknown", Architecture: "unknown"}
	missing := on("linux/s390x")
	delete(l.files, "blobs/sha256/"+missing.Digest.Encoded())
	several := ispec.Index{MediaType: ispec.MediaTypeImageIndex, Manifests: []ispec.Descriptor{
		on("linux/amd64"), attestation, on("linux/arm/v5"), on("linux/arm/v6"), on("linux/arm64"), on("windows/amd64"), missing,
	}}
	l.name("", l.document(several.MediaType, several))
	check := func(platform, arch, want string) {
		t.Helper()
		var p manifests.Platform
		if platform != "" {
			p.OS, p.Arch, _ = strings.Cut(platform, "/")
			p.Arch, p.Variant, _ = strings.Cut(p.Arch, "/")
		}
		if !strings.HasPrefix(want, "m:1: ") {
			want += " file 0644 mtime=1000 \"x\"\n"
		}
		listOCI(t, l.all(), manifests.OCI{Platform: p, Exclude: globs("dev", "proc", "sys", "run", "linux", "windows")[:4]}, Env{Arch: arch}, want)
	}
	dirs := func(platform string) string {
		var made string
		for i, c := range platform {
			if c == '/' {
				made += "/" + platform[:i] + " dir 0755 implied\n"
			}
		}
		return made + "/" + platform
	}
	check("", "amd64", dirs("linux/amd64"))
	check("", "arm64", dirs("linux/arm64"))
	check("linux/arm64/v8", "amd64", dirs("linux/arm64"))
	check("", "arm/v7", dirs("linux/arm/v6"))
	check("linux/arm/v5", "amd64", dirs("linux/arm/v5"))
	check("", "riscv64", "m:1: image: has no image for linux/riscv64\n  it is for: linux/amd64, linux/arm/v5, linux/arm/v6, linux/arm64, linux/s390x, windows/amd64\n")
	check("", "", "m:1: image: is for several platforms\n  --arch or platform says which one: linux/amd64, linux/arm/v5, linux/arm/v6, linux/arm64, linux/s390x, windows/amd64\n")
	check("", "s390x", "m:1: image: blob "+missing.Digest.String()+": file does not exist\n")

	named := func(ref string, want string, names ...string) {
		t.Helper()
		l := newLayout()
		for i, name := range names {
			d := l.image("linux/amd64", "", nil, layer, layerOf(t, fmt.Sprint("n", i)))
			if full, ok := strings.CutPrefix(name, "containerd "); ok {
				d.Annotations = map[string]string{containerdName: full, ispec.AnnotationRefName: full[strings.LastIndex(full, ":")+1:]}
				l.index.Manifests = append(l.index.Manifests, d)
				continue
			}
			l.name(name, d)
		}
		if !strings.HasPrefix(want, "m:1: ") {
			want = "/" + want + " file 0644 mtime=1000 \"\"\n"
		}
		listOCI(t, l.all(), manifests.OCI{Ref: ref, Exclude: globs("dev", "proc", "sys", "run", "a")}, Env{Arch: "amd64"}, want)
	}
	named("", "n0", "app")
	named("", "n0", "")
	named("app:1", "n0", "app:1", "app:2")
	named("docker.io/library/app:2", "n1", "app:1", "app:2")
	named("app:2", "n1", "docker.io/library/app:1", "docker.io/library/app:2")
	named("docker.io/me/app", "n0", "me/app", "app")
	named("app:2", "n1", "containerd docker.io/library/app:1", "containerd docker.io/library/app:2")
	named("2", "n1", "containerd docker.io/library/app:1", "containerd docker.io/library/app:2")
	named("latest", "m:1: image: has several images for linux/amd64\n  ref says which one: \"app:latest\", \"db:latest\"\n", "containerd app:latest", "containerd db:latest")
	named("", "m:1: image: has several images\n  ref says which one: \"app:1\", \"app:2\"\n", "app:1", "app:2")
	named("app", "m:1: image: has no image \"app\"\n  there are: \"app:1\", \"app:2\"\n", "app:1", "app:2")
	named("x", "m:1: image: has no image \"x\"\n  there are: \"bad\\x1b\\nname\"\n", "bad\x1b\nname")

	// Two images without names are told apart by their digests.
	two := newLayout()
	first, second := two.image("linux/amd64", "", nil, layer), two.image("linux/amd64", "", nil, layer, layer)
	two.name("", first)
	two.name("", second)
	ids := []string{fmt.Sprintf("%q", first.Digest), fmt.Sprintf("%q", second.Digest)}
	slices.Sort(ids)
	listOCI(t, two.all(), manifests.OCI{}, Env{Arch: "amd64"}, "m:1: image: has several images for linux/amd64\n  ref says which one: "+strings.Join(ids, ", ")+"\n")
	listOCI(t, two.all(), manifests.OCI{Ref: second.Digest.String(), Exclude: globs("a")}, Env{Arch: "amd64"}, ociMounts)

	// One image with two names is one image.
	same := newLayout()
	same.name("app:1", same.image("linux/amd64", "", nil, layer))
	same.name("app:latest", same.image("linux/amd64", "", nil, layer))
	listOCI(t, same.all(), manifests.OCI{Exclude: globs("a")}, Env{Arch: "amd64"}, ociMounts)
	listOCI(t, saved([]string{"app:1", "app:2"}, layer), manifests.OCI{Ref: "docker.io/library/app:2", Exclude: globs("a")}, Env{Arch: "amd64"}, ociMounts)
	listOCI(t, saved([]string{"app:1", "app:2"}, layer), manifests.OCI{Ref: "app:3"}, Env{Arch: "amd64"},
		"m:1: image: has no image \"app:3\"\n  there are: \"app:1\", \"app:2\"\n")
}

const containerdName = "io.containerd.image.name"

// TestOCIFiles reads images from directories with other things than files in them, and from
// archives with links, as docker save writes them.
func TestOCIFiles(t *testing.T) {
	layer := layerOf(t, "a")
	l := newLayout()
	l.name("app", l.image("linux/amd64", "", nil, layer))
	blob := "blobs/sha256/" + digest.FromBytes(layer).Encoded()
	read := func(src string) error {
		_, err := ask(t, &Env{Arch: "amd64"}, &manifests.OCI{Src: src})
		return err
	}
	dir := files(t, l.all())
	check(t, os.Remove(filepath.Join(dir, blob)), unix.Mkfifo(filepath.Join(dir, blob), 0o600))
	if err := read(dir); err == nil || !strings.Contains(err.Error(), "not a regular file but a FIFO") {
		t.Errorf("got the error %v for a FIFO", err)
	}
	check(t, os.Remove(filepath.Join(dir, blob)), os.Mkdir(filepath.Join(dir, blob), 0o700))
	if err := read(dir); err == nil || !strings.Contains(err.Error(), "not a regular file but a directory") {
		t.Errorf("got the error %v for a directory", err)
	}

	// A layout that is closed to others makes a closed image.
	for _, closed := range []string{"", ".", "blobs", "blobs/sha256", blob} {
		dir := files(t, l.all())
		check(t, os.Chmod(dir, 0o755))
		if closed != "" {
			check(t, os.Chmod(filepath.Join(dir, closed), 0o700))
		}
		got, err := ask(t, &Env{Arch: "amd64"}, &manifests.OCI{Src: dir})
		check(t, err)
		if private := slices.ContainsFunc(got, func(e *plan.Entry) bool { return e.Private }); private != (closed != "") {
			t.Errorf("%q closed: got private files: %t", closed, private)
		}
	}

	linked := saved([]string{"app"}, layer, layer)
	second := fmt.Sprintf("%064d/layer.tar", 1)
	delete(linked, second)
	for target, want := range map[string]string{
		fmt.Sprintf("../%064d/layer.tar", 0): "",
		"layer.tar":                          "too many levels of symbolic links",
	} {
		tarball := packed(t, linked)
		link := archive(t, tar.FormatPAX, member{tar.Header{Typeflag: tar.TypeSymlink, Name: second, Linkname: target}, ""})
		src := files(t, map[string]string{"image": string(tarball[:len(tarball)-2*tarBlock]) + string(link)}) + "/image"
		if err := read(src); want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got the error %v, want %q", target, err, want)
		}
	}
	whole := packed(t, l.all())
	for _, size := range []int{100, len(whole) - 3000} {
		if err := read(files(t, map[string]string{"image": string(whole[:size])}) + "/image"); err == nil || !strings.Contains(err.Error(), "cut short") {
			t.Errorf("got the error %v for %d of %d bytes", err, size, len(whole))
		}
	}
	sparse := withRecords(t, map[string]string{
		"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.name": "index.json", "GNU.sparse.size": "300000",
		"GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,0",
	})
	if err := read(files(t, map[string]string{"image": string(sparse)}) + "/image"); err == nil || !strings.Contains(err.Error(), "a sparse file in the archive") {
		t.Errorf("got the error %v for a sparse file", err)
	}
}

func check(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// FuzzOCI holds that whatever is read becomes a plan or an error, that every file has the
// content that its size says, and that no path leaves the source's place.
func FuzzOCI(f *testing.F) {
	layer := layerOf(f, "etc/", "etc/a: text", "b = etc/a", "l -> /etc", "l/c", ".wh.x", "etc/.wh..wh..opq", "../y")
	f.Add(layer, layerOf(f, "etc/", "etc/.wh.a", "b: new", ".wh..wh..opq"))
	f.Add(everything(f), layer)
	f.Add([]byte{}, layer[:700])
	f.Fuzz(func(t *testing.T, first, second []byte) {
		l := newLayout()
		l.name("app", l.image("linux/amd64", "", nil, first, second))
		dir := files(t, l.all())
		env := &Env{Arch: "amd64", Limits: Limits{Entries: 1000, Unpacked: 1 << 20}}
		defer env.Close()
		entries, err := askIn(t.Context(), env, &manifests.OCI{Item: manifests.Item{Dst: "/top"}, Src: dir})
		checkFuzzed(t, entries, err)
	})
}
