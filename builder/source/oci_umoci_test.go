package source

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// umoci returns what umoci unpacks, one line a path, or its error.
func umoci(t *testing.T, dir string) (map[string]string, error) {
	t.Helper()
	bundle := filepath.Join(t.TempDir(), "bundle")
	cmd := exec.Command(testenv.Tool(t, "umoci"), "unpack", "--image", dir+":app", bundle)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, said.String())
	}
	return rootOnDisk(t, filepath.Join(bundle, "rootfs")), nil
}

// rootOnDisk describes all files below dir.
func rootOnDisk(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	first := map[uint64]string{}
	err := filepath.WalkDir(dir, func(file string, _ fs.DirEntry, err error) error {
		if err != nil || file == dir {
			return err
		}
		name := file[len(dir):]
		var info unix.Stat_t
		if err := unix.Lstat(file, &info); err != nil {
			return err
		}
		e := &plan.Entry{Path: name, Mode: info.Mode, UID: info.Uid, GID: info.Gid, MTime: info.Mtim.Sec}
		var data []byte
		switch e.Mode & plan.TypeMask {
		case plan.TypeFile:
			e.Size = info.Size
			data, err = os.ReadFile(file)
		case plan.TypeLink:
			e.Target, err = os.Readlink(file)
		case plan.TypeChar, plan.TypeBlock:
			e.Major, e.Minor = unix.Major(info.Rdev), unix.Minor(info.Rdev)
		}
		if err != nil {
			return err
		}
		if e.Xattrs, _, err = hostXattrs(file, false, func(string) bool { return true }); err != nil {
			return err
		}
		if _, ok := first[info.Ino]; !ok {
			first[info.Ino] = name
		}
		found[name] = describe(e, data, first[info.Ino])
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// describe returns all that is compared of an entry. first is the first name of its file.
func describe(e *plan.Entry, data []byte, first string) string {
	// cpio has no hard links of symbolic links: they are copies.
	if e.IsLink() {
		first = e.Path
	}
	var xattrs []string
	for _, key := range slices.Sorted(maps.Keys(e.Xattrs)) {
		xattrs = append(xattrs, fmt.Sprintf("%s=%q", key, e.Xattrs[key]))
	}
	return fmt.Sprintf("%o %d:%d %d %d %q %d:%d %x %s %v", e.Mode, e.UID, e.GID, e.MTime, e.Size, e.Target, e.Major, e.Minor, sha256.Sum256(data), first, xattrs)
}

// rootPlanned is rootOnDisk for the plan of an image.
func rootPlanned(t *testing.T, dir string) (map[string]string, error) {
	t.Helper()
	entries, err := ask(t, &Env{}, &manifests.OCI{Src: dir, SrcXattrs: manifests.XattrsKeep, Item: manifests.Item{Dst: "/", Pos: manifests.Pos{File: "m", Line: 1}}})
	if err == nil {
		entries, err = plan.Make(entries, plan.Options{RootMode: 0o755})
	}
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, e := range entries {
		if e.Path == "/" {
			continue
		}
		var data []byte
		if at := e.Content(); e.IsFile() && e.Size > 0 {
			if data, err = io.ReadAll(io.NewSectionReader(at.At, at.Offset, e.Size)); err != nil {
				t.Fatal(err)
			}
		}
		found[e.Path] = describe(e, data, e.File().Path)
	}
	return found, nil
}

// compareUmoci compares the root of an image with the one that umoci unpacks. wantErr says that
// both have to fail.
func compareUmoci(t *testing.T, wantErr bool, layers ...[]byte) {
	t.Helper()
	l := newLayout()
	l.name("app", l.image("linux/amd64", "", nil, layers...))
	dir := files(t, l.all())
	want, err := umoci(t, dir)
	got, ownErr := rootPlanned(t, dir)
	switch {
	case err != nil && ownErr != nil && wantErr:
		return
	case err != nil && ownErr == nil && !wantErr && strings.Contains(err.Error(), ": link: no such file"):
		return // a whiteout that stands before a hard link removes its target
	case err != nil || ownErr != nil || wantErr:
		t.Fatalf("umoci: %v\nmkinitfs: %v\nwant errors of both: %t", err, ownErr, wantErr)
	}
	for _, name := range []string{"/dev", "/proc", "/run", "/sys", "/dev/console", "/dev/null"} {
		if _, ok := want[name]; !ok {
			delete(got, name)
		}
	}
	// umoci gives the current time to a directory that it makes, and to one in which it makes or
	// removes something on the way to another member.
	for name, line := range want {
		if f := strings.SplitN(line, " ", 4); strings.HasPrefix(f[0], "4") && len(f[2]) == len("1700000000") {
			want[name] = withoutTime(line)
			got[name] = withoutTime(got[name])
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-umoci +mkinitfs:\n%s", diff)
	}
}

func withoutTime(line string) string {
	f := strings.SplitN(line+"   ", " ", 4)
	return strings.Join(slices.Delete(f, 2, 3), " ")
}

// everything is a layer of all that can have a name.
func everything(t testing.TB) []byte {
	xattrs := func(key, value string) map[string]string {
		return map[string]string{"SCHILY.xattr." + key: value}
	}
	return archive(t, tar.FormatPAX,
		member{tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o711}, ""},
		member{tar.Header{Typeflag: tar.TypeDir, Name: "bin/", Mode: 0o1755, Uid: 3, Gid: 4, ModTime: time.Unix(5000, 0)}, ""},
		member{tar.Header{Typeflag: tar.TypeReg, Name: "bin/su", Mode: 0o6755, Uid: 5, Gid: 100000, ModTime: time.Unix(6000, 7)}, "program"},
		member{tar.Header{Typeflag: tar.TypeReg, Name: "bin/ping", Mode: 0o755, PAXRecords: xattrs("security.capability", "\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00")}, "x"},
		member{tar.Header{Typeflag: tar.TypeDir, Name: "d/", Mode: 0o755, PAXRecords: xattrs("user.d", "\x00\xff")}, ""},
		member{tar.Header{Typeflag: tar.TypeChar, Name: "c", Mode: 0o620, Devmajor: 4, Devminor: 64, Gid: 5}, ""},
		member{tar.Header{Typeflag: tar.TypeChar, Name: "zero", Mode: 0o644}, ""},
		member{tar.Header{Typeflag: tar.TypeBlock, Name: "b", Mode: 0o660, Devmajor: 259, Devminor: 300}, ""},
		member{tar.Header{Typeflag: tar.TypeFifo, Name: "f", Mode: 0o600}, ""},
		member{tar.Header{Typeflag: tar.TypeSymlink, Name: "l", Linkname: "bin/../x", Uid: 9, ModTime: time.Unix(7000, 0)}, ""},
		member{tar.Header{Typeflag: tar.TypeLink, Name: "su2", Linkname: "/bin/su"}, ""},
		member{tar.Header{Typeflag: tar.TypeLink, Name: "l2", Linkname: "l"}, ""},
		member{tar.Header{Typeflag: tar.TypeLink, Name: "c2", Linkname: "./c"}, ""},
	)
}

// TestOCIUmoci compares what layers mean, one rule after the other, with what umoci makes of
// them as root.
func TestOCIUmoci(t *testing.T) {
	testenv.Root(t, "unpack devices and owners with umoci")
	testenv.Tool(t, "umoci")
	for name, test := range map[string]struct {
		fails  bool
		layers [][]byte
	}{
		"everything":                              {layers: [][]byte{everything(t)}},
		"whiteout":                                {layers: [][]byte{layerOf(t, "a/", "a/b", "a/c"), layerOf(t, "a/.wh.b")}},
		"whiteout of nothing there":               {layers: [][]byte{layerOf(t, "a/"), layerOf(t, "a/.wh.b", "x/.wh.y", "a/b/.wh.c")}},
		"whiteout of a directory":                 {layers: [][]byte{layerOf(t, "a/", "a/b/", "a/b/c", "a/d"), layerOf(t, ".wh.a")}},
		"whiteout before its own":                 {layers: [][]byte{layerOf(t, "a/", "a/b: old", "a/c"), layerOf(t, ".wh.a", "a/", "a/b: new")}},
		"whiteout after its own":                  {layers: [][]byte{layerOf(t, "a/", "a/b: old", "a/c"), layerOf(t, "a/", "a/b: new", ".wh.a", "a/.wh.b")}},
		"whiteout after a part without its own":   {layers: [][]byte{layerOf(t, "a/", "a/b/", "a/b/c", "a/d"), layerOf(t, "a/b/new", ".wh.a")}},
		"whiteout before a part":                  {layers: [][]byte{layerOf(t, "a/", "a/b/", "a/b/c", "a/d"), layerOf(t, ".wh.a", "a/b/new")}},
		"opaque first":                            {layers: [][]byte{layerOf(t, "a/", "a/b/", "a/b/c", "a/d"), layerOf(t, "a/", "a/.wh..wh..opq", "a/d: new", "a/b/e")}},
		"opaque last":                             {layers: [][]byte{layerOf(t, "a/", "a/b/", "a/b/c", "a/d"), layerOf(t, "a/", "a/d: new", "a/b/e", "a/.wh..wh..opq")}},
		"opaque root":                             {layers: [][]byte{layerOf(t, "a/", "a/b/", "a/b/c", "d"), layerOf(t, "a/x", ".wh..wh..opq", "e")}},
		"opaque twice and later layer":            {layers: [][]byte{layerOf(t, "a/", "a/b"), layerOf(t, "a/.wh..wh..opq", "a/c", "a/.wh..wh..opq"), layerOf(t, "a/d", "a/.wh..wh..opq")}},
		"whiteout through a link":                 {layers: [][]byte{layerOf(t, "usr/", "usr/bin/", "usr/bin/x", "usr/bin/y", "bin -> usr/bin"), layerOf(t, "bin/.wh.x")}},
		"opaque through a link":                   {layers: [][]byte{layerOf(t, "usr/", "usr/bin/", "usr/bin/x", "bin -> /usr/bin"), layerOf(t, "bin/.wh..wh..opq", "bin/z")}},
		"whiteout of a link":                      {layers: [][]byte{layerOf(t, "usr/", "usr/bin/", "usr/bin/x", "bin -> usr/bin"), layerOf(t, ".wh.bin")}},
		"path through a link":                     {layers: [][]byte{layerOf(t, "usr/", "usr/bin/", "bin -> ../../usr/bin", "abs -> /usr"), layerOf(t, "bin/x", "abs/bin/y", "abs/lib/z")}},
		"path through a link to nowhere":          {layers: [][]byte{layerOf(t, "gone -> /no/where/../there", "up -> .."), layerOf(t, "gone/x", "up/up/y")}},
		"path through a link of its own layer":    {layers: [][]byte{layerOf(t, "usr/", "bin -> usr", "bin/x")}},
		"path through links without end":          {true, [][]byte{layerOf(t, "a -> b", "b -> a"), layerOf(t, "a/x")}},
		"directory over a link":                   {layers: [][]byte{layerOf(t, "usr/", "usr/x", "bin -> usr"), layerOf(t, "bin/", "bin/y")}},
		"link over a directory":                   {layers: [][]byte{layerOf(t, "usr/", "bin/", "bin/x"), layerOf(t, "bin -> usr", "bin/y")}},
		"file over a directory":                   {layers: [][]byte{layerOf(t, "a/", "a/b/", "a/b/c"), layerOf(t, "a/b: file")}},
		"directory over a file":                   {layers: [][]byte{layerOf(t, "a: file"), layerOf(t, "a/", "a/b")}},
		"path through a file":                     {true, [][]byte{layerOf(t, "a: file"), layerOf(t, "a/b")}},
		"directory again":                         {layers: [][]byte{layerOf(t, "a/", "a/b"), archive(t, tar.FormatPAX, member{tar.Header{Typeflag: tar.TypeDir, Name: "a", Mode: 0o700, Uid: 7, ModTime: time.Unix(9, 0)}, ""})}},
		"no parents":                              {layers: [][]byte{layerOf(t, "a/b/c/d"), layerOf(t, "a/b/.wh.c")}},
		"hard link down":                          {layers: [][]byte{layerOf(t, "a: text"), layerOf(t, "b = a"), layerOf(t, "c = b")}},
		"hard link outlives a whiteout":           {layers: [][]byte{layerOf(t, "a: text", "b = a"), layerOf(t, "c = a", ".wh.a")}},
		"hard link outlives a whiteout, later":    {layers: [][]byte{layerOf(t, "a: text", "b = a", "c = a"), layerOf(t, ".wh.a"), layerOf(t, "d = b")}},
		"one name replaced":                       {layers: [][]byte{layerOf(t, "a: text", "b = a", "c = a"), layerOf(t, "a: new")}},
		"hard link through a link":                {layers: [][]byte{layerOf(t, "usr/", "usr/x: text", "bin -> usr"), layerOf(t, "y = bin/x", "bin/z = /usr/x")}},
		"hard link to a link":                     {layers: [][]byte{layerOf(t, "x: text", "l -> x"), layerOf(t, "m = l")}},
		"hard link to a directory":                {true, [][]byte{layerOf(t, "a/"), layerOf(t, "b = a")}},
		"hard link to nothing":                    {true, [][]byte{layerOf(t, "a"), layerOf(t, "b = c")}},
		"hard link to what comes":                 {true, [][]byte{layerOf(t, "b = c", "c")}},
		"hard link to itself":                     {true, [][]byte{layerOf(t, "a"), layerOf(t, "a = a")}},
		"hard link over a directory":              {layers: [][]byte{layerOf(t, "a/", "a/b", "c: text"), layerOf(t, "a = c")}},
		"hard link to the old, which is then new": {layers: [][]byte{layerOf(t, "a: old"), layerOf(t, "b = a", "a: new")}},
		"names with dots":                         {layers: [][]byte{layerOf(t, "../../a: text", "/b/../c", "./d/", "d/../../e", "h = ../a")}},
		"root as a link":                          {true, [][]byte{layerOf(t, "./ -> /etc")}},
		"twice in a layer":                        {layers: [][]byte{layerOf(t, "a: one", "b = a", "a: two", "d/", "d/x", "d: file", "d/")}},
	} {
		t.Run(name, func(t *testing.T) { compareUmoci(t, test.fails, test.layers...) })
	}
}

// TestOCIRandom compares random layers with umoci.
func TestOCIRandom(t *testing.T) {
	testenv.Root(t, "unpack devices and owners with umoci")
	testenv.Tool(t, "umoci")
	rounds := 30
	if os.Getenv("MKINITFS_TEST_MATRIX") == "1" {
		rounds = 500
	}
	for seed := range rounds {
		g := &layerGenerator{rand.New(rand.NewPCG(uint64(seed), 0))}
		var layers [][]byte
		for range 1 + g.IntN(4) {
			layers = append(layers, g.layer(t, layers))
		}
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			compareUmoci(t, false, layers...)
			if t.Failed() {
				for i, layer := range layers {
					t.Logf("layer %d:\n%s", i+1, listLayer(t, layer))
				}
			}
		})
	}
}

// layerGenerator makes layers with few names, so that members meet.
type layerGenerator struct{ *rand.Rand }

func (g *layerGenerator) name() string {
	parts := make([]string, 1+g.IntN(3))
	for i := range parts {
		parts[i] = string(rune('a' + g.IntN(4)))
	}
	return strings.Join(parts, "/")
}

// layer returns a layer that can be applied to others.
func (g *layerGenerator) layer(t *testing.T, lower [][]byte) []byte {
	var members []member
	for range 4 + g.IntN(12) {
		name := g.name()
		h := tar.Header{
			Typeflag: tar.TypeReg, Name: name, Mode: int64(g.IntN(0o10000)), Uid: g.IntN(3), Gid: g.IntN(3),
			ModTime: time.Unix(int64(1+g.IntN(1000)), 0),
		}
		content := ""
		switch g.IntN(12) {
		case 0, 1, 2:
			h.Typeflag = tar.TypeDir
		case 3, 4, 5:
			content = fmt.Sprint(g.IntN(100))
		case 6, 7:
			h.Typeflag = tar.TypeSymlink
			h.Linkname = []string{"", "/", "../", "../../", "./"}[g.IntN(5)] + g.name()
		case 8:
			h.Typeflag, h.Linkname = tar.TypeLink, g.name()
		case 9:
			h.Name = path.Join(path.Dir(name), ".wh."+path.Base(name))
		case 10:
			h.Name = path.Join(path.Dir(name), ".wh..wh..opq")
		case 11:
			h.Typeflag, h.Devmajor, h.Devminor = tar.TypeChar, 1, int64(g.IntN(9))
		}
		if h.Typeflag == tar.TypeReg && g.IntN(4) == 0 {
			h.PAXRecords = map[string]string{"SCHILY.xattr.user.x": fmt.Sprint(g.IntN(3))}
		}
		with := append(slices.Clone(members), member{h, content})
		if applies(t, append(slices.Clone(lower), archive(t, tar.FormatPAX, with...))) {
			members = with
		}
	}
	return archive(t, tar.FormatPAX, members...)
}

// applies reports whether layers can be unpacked.
func applies(t *testing.T, layers [][]byte) bool {
	root := newRootfs(&job{Env: &Env{}}, 1)
	for _, layer := range layers {
		root.begin()
		in := &part{SectionReader: io.NewSectionReader(bytes.NewReader(layer), 0, int64(len(layer)))}
		stream := newTarStream(job{Env: &Env{}}, "layer", in, 1, manifests.XattrsKeep)
		if stream.read(t.Context(), root.add) != nil {
			return false
		}
	}
	return true
}

func listLayer(_ *testing.T, layer []byte) string {
	var b strings.Builder
	for r := tar.NewReader(bytes.NewReader(layer)); ; {
		h, err := r.Next()
		if err != nil {
			return b.String()
		}
		fmt.Fprintf(&b, "%c %s %s %o\n", h.Typeflag, h.Name, h.Linkname, h.Mode)
	}
}
