package source

import (
	"archive/tar"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
	"github.com/mkinitfs/mkinitfs/manifests"
)

func TestTarMissing(t *testing.T) {
	dir := t.TempDir()
	request := &manifests.Tar{Item: manifests.Item{Dst: "/", Pos: manifests.Pos{File: "m", Line: 1}}, Src: dir + "/none.tar"}
	_, err := ask(t, &Env{}, request)
	compare(t, dir, nil, err, "m:1: none.tar: no such file or directory\n")
	request.Optional = true
	got, err := ask(t, &Env{}, request)
	compare(t, dir, got, err, "")
	request.Src = dir
	_, err = ask(t, &Env{}, request)
	compare(t, filepath.Dir(dir), nil, err, "m:1: "+filepath.Base(dir)+": is a directory\n  type: tree takes directories\n")
}

func TestTarPrivate(t *testing.T) {
	data := archive(t, tar.FormatPAX, member{tar.Header{Typeflag: tar.TypeReg, Name: "x", Mode: 0o644}, "x"})
	dir := files(t, map[string]string{"a.tar": string(data)})
	chmod(t, 0o640, dir, "a.tar")
	got, err := ask(t, &Env{}, &manifests.Tar{Item: manifests.Item{Dst: "/"}, Src: dir + "/a.tar"})
	compare(t, dir, got, err, "/x file 0644 mtime=1000 \"x\" private\n")
}

func TestTarStreams(t *testing.T) {
	data := archive(t, tar.FormatPAX, member{tar.Header{Typeflag: tar.TypeReg, Name: "x", Mode: 0o644}, strings.Repeat("0123456789", 1000)})
	var streams []byte
	for len(data) > 0 {
		n := min(len(data), 3001)
		streams = append(streams, gzipped(t, data[:n])...)
		data = data[n:]
	}
	streams = append(streams, make([]byte, 10240)...) // a tape's record
	listTar(t, streams, manifests.Tar{Item: manifests.Item{Dst: "/"}}, Env{}, `
/x file 0644 mtime=1000 "01234567890123456789... 10000"
`)
}

// A plain archive may begin like a stream of some codec: with the name of its first member.
func TestTarLikeCodec(t *testing.T) {
	data := archive(t, tar.FormatUSTAR, member{tar.Header{Typeflag: tar.TypeReg, Name: "]", Mode: 0o644}, "x"})
	listTar(t, data, manifests.Tar{Item: manifests.Item{Dst: "/"}}, Env{}, `
/] file 0644 mtime=1000 "x"
`)
}

func TestTarInterrupted(t *testing.T) {
	data := gzipped(t, archive(t, tar.FormatPAX))
	dir := files(t, map[string]string{"a.tar": string(data)})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := askIn(ctx, &Env{}, &manifests.Tar{Item: manifests.Item{Dst: "/"}, Src: dir + "/a.tar"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want %v", err, context.Canceled)
	}
}

func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(testenv.Tool(t, name), args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
}

// What other programs write, in their formats and codecs.
func TestTarOfOthers(t *testing.T) {
	long := strings.Repeat("d", 90) + "/" + strings.Repeat("f", 200)
	dir := files(t, map[string]string{"root/bin/sh": "shell", "root/l": "-> bin/sh", "root/" + long: "long"})
	if err := os.Link(dir+"/root/bin/sh", dir+"/root/bin/zsh"); err != nil {
		t.Fatal(err)
	}
	at := time.Unix(1234567890, 123456789)
	for _, name := range []string{"bin/sh", filepath.Dir(long), long} {
		if err := os.Chtimes(filepath.Join(dir, "root", name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	want := strings.ReplaceAll(`
/bin/sh file 0644 owner=7:8 mtime=1234567890 "shell"
/bin/zsh hard /bin/sh
/DIR/FILE file 0644 owner=7:8 mtime=1234567890 "long"
`, "DIR/FILE", long)
	gnu := []string{"--numeric-owner", "--owner=7", "--group=8"}
	bsd := []string{"--uid=7", "--gid=8", "--uname=", "--gname="}
	for _, test := range []struct {
		name, tool string
		args       []string
	}{
		{"gnu", "tar", append(gnu, "--format=gnu")},
		{"pax", "tar", append(gnu, "--format=posix")},
		{"gnu gzip", "tar", append(gnu, "--gzip")},
		{"gnu xz", "tar", append(gnu, "--xz")},
		{"gnu zstd", "tar", append(gnu, "--zstd")},
		{"bsd", "bsdtar", bsd},
		{"bsd pax gzip", "bsdtar", append(bsd, "--format=pax", "--gzip")},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.tool == "tar" {
				for _, codec := range []string{"gzip", "xz", "zstd"} {
					testenv.Tool(t, codec)
				}
			}
			args := append(test.args, "-cf", "../a.tar", "bin/sh", "bin/zsh", long)
			run(t, dir+"/root", test.tool, args...)
			chmod(t, 0o644, dir, "a.tar")
			got, err := ask(t, &Env{}, &manifests.Tar{Item: manifests.Item{Dst: "/"}, Src: dir + "/a.tar"})
			compare(t, dir, got, err, want)
		})
	}
}

// changing is a context that changes a file when it is asked for the second time.
type changing struct {
	context.Context
	asked  *int
	change func()
}

func (c changing) Err() error {
	if *c.asked++; *c.asked == 2 {
		c.change()
	}
	return c.Context.Err()
}

func TestTarChanges(t *testing.T) {
	data := archive(t, tar.FormatPAX, member{tar.Header{Name: "x"}, "x"})
	for _, data := range [][]byte{data, gzipped(t, data)} {
		file := filepath.Join(t.TempDir(), "x.tar")
		if err := os.WriteFile(file, data, 0o644); err != nil {
			t.Fatal(err)
		}
		ctx := changing{t.Context(), new(int), func() {
			if err := os.Chtimes(file, time.Time{}, time.Unix(1, 1)); err != nil {
				t.Error(err)
			}
		}}
		_, err := askIn(ctx, &Env{}, &manifests.Tar{Item: manifests.Item{Dst: "/", Pos: manifests.Pos{File: "m", Line: 1}}, Src: file})
		want := "m:1: " + file + ": changed while it was read"
		if err == nil || err.Error() != want {
			t.Errorf("got error %v, want %s", err, want)
		}
	}
}
