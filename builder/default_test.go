package builder

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"time"

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

// TestWrongArguments passes what a program can pass and no manifest file or command can say.
// Every one is an error that names it.
func TestWrongArguments(t *testing.T) {
	motd := "hello\n"
	whole := func(change func(*manifests.Manifest)) *manifests.Manifest {
		m := manifests.Default()
		m.Arch, m.Root.Type = "amd64", manifests.None
		m.Contents = []manifests.Content{&manifests.File{Item: manifests.Item{Dst: "/init"}, Text: &motd}}
		change(m)
		return m
	}
	for want, m := range map[string]*manifests.Manifest{
		"<manifest>: no manifest is given": nil,
		"<manifest>: an item of contents needs type": whole(func(m *manifests.Manifest) {
			m.Contents = append(m.Contents, (*manifests.File)(nil))
		}),
		"<manifest>: max_size \"-5\": want a size, as in 4096, 64M or 5.3MiB": whole(func(m *manifests.Manifest) { m.Output.MaxSize = -5 }),
		"<manifest>: max_unpacked \"-1\": want a size, as in 4096, 64M or 5.3MiB": whole(func(m *manifests.Manifest) {
			m.Output.MaxUnpacked = -1
		}),
		"<manifest>: size \"-1\": want a size": whole(func(m *manifests.Manifest) {
			m.Root.Type, m.Root.Size.Bytes = manifests.Tmpfs, -1
		}),
		"<manifest>: size \"101%\": want 1% to 100%": whole(func(m *manifests.Manifest) {
			m.Root.Type, m.Root.Size.Percent = manifests.Tmpfs, 101
		}),
		"<manifest>: inodes \"-2\": want": whole(func(m *manifests.Manifest) {
			m.Root.Type, m.Root.Inodes = manifests.Tmpfs, -2
		}),
		"<manifest>: compress level \"10\": gzip takes 1 to 9": whole(func(m *manifests.Manifest) { m.Compress.Level = 10 }),
		"<manifest>: payload level \"-3\": zstd takes 1 to 22": whole(func(m *manifests.Manifest) {
			m.Root.Type, m.Root.Payload = manifests.Tmpfs, manifests.Compression{Codec: "zstd", Level: -3}
		}),
		"<manifest>: restart_delay \"-1s\": want 10ms to 1m": whole(func(m *manifests.Manifest) {
			m.Root.Type, m.Init.Supervise = manifests.Tmpfs, &manifests.Supervise{RestartDelay: -time.Second}
		}),
	} {
		_, err := Build(t.Context(), io.Discard, m, Options{})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
	good := whole(func(*manifests.Manifest) {})
	for _, w := range []io.Writer{nil, (*os.File)(nil)} {
		if _, err := Build(t.Context(), w, good, Options{}); err == nil || err.Error() != "write the image: no writer is given" {
			t.Errorf("writer %v: got error %v, want one that says so", w, err)
		}
	}
	unread := whole(func(m *manifests.Manifest) { m.Arch = "nonsense" }) // found wrong later
	if _, err := BuildFile(t.Context(), "", unread, Options{}); err == nil || err.Error() != "write the image: no path is given" {
		t.Errorf("got error %v, want one that says that there is no path", err)
	}
	if _, err := Build(t.Context(), io.Discard, good, Options{Limits: Limits{Entries: -1}}); err == nil || !strings.HasPrefix(err.Error(), "limits of -1 entries") {
		t.Errorf("got error %v, want one that names the limit", err)
	}
}
