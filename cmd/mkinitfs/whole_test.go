package main

import (
	"bytes"
	"debug/elf"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// TestWhole takes members and segments out of images, or puts others in their place. The
// commands print everything that came through, then an error about the missing part, with
// exit status 1.
func TestWhole(t *testing.T) {
	const list, extract, cat, size = "list", "extract", "cat", "size"
	every := []string{list, size, extract, cat}
	flip := func(m []member) []member {
		m[2].data[len(m[2].data)/2] ^= 1
		return m
	}
	type image struct {
		data   []byte
		report *builder.Report
	}
	whole := map[string]image{} // by payload
	stub := filepath.Join(t.TempDir(), "stub")
	writeFile(t, stub, emptyProgram(elf.EM_386))
	for _, payload := range []string{"none", "lz4", "zstd"} {
		img, built := buildImage(t, manyMembers(t, "root: {payload: "+payload+"}", "compress: none"), "--stub", stub)
		whole[payload] = image{[]byte(readFile(t, img)), built}
	}
	for _, tt := range []struct {
		name    string
		change  func(m []member) []member
		payload string
		fails   []string // the commands that must notice it; the others need not
		words   string
	}{
		{"missing", func(m []member) []member { return slices.Delete(m, 1, 2) }, "none", every, "root.0001 is missing"},
		{"last missing", func(m []member) []member { return m[:len(m)-1] }, "none", every, "is missing, the boot plan has"},
		{"last missing", func(m []member) []member { return m[:len(m)-1] }, "zstd", every, "is missing, the boot plan has"},
		{"all missing", func(m []member) []member { return nil }, "none", every, "root.0000 is missing"},
		{"exchanged", func(m []member) []member {
			m[1].data, m[2].data = m[2].data, m[1].data
			return m
		}, "none", every, "root.0001: "},
		{"turned round", func(m []member) []member {
			m[1], m[2] = m[2], m[1]
			return m
		}, "none", every, "root.0001 is missing"},
		{"one too many", func(m []member) []member {
			return append(m, member{".mkinitfs/root.0099", m[0].data})
		}, "none", every, "root.0099 is not in the boot plan"},
		{"damaged", flip, "none", []string{extract}, "its SHA-256 is not that of the boot plan"},
		{"damaged", flip, "lz4", []string{extract}, "root.0002: "},
		{"damaged", flip, "zstd", every, "root.0002: "},
	} {
		t.Run(tt.name+" "+tt.payload, func(t *testing.T) {
			dir := t.TempDir()
			data, built := whole[tt.payload].data, whole[tt.payload].report
			boot, payload := built.Segments[0], built.Segments[1]
			changed := append(data[:boot.Offset+boot.Size:boot.Offset+boot.Size], membersOut(t, tt.change(membersAsFound(t, data[payload.Offset:])))...)
			bad := filepath.Join(dir, "bad.img")
			writeFile(t, bad, changed)
			for _, command := range every {
				args := []string{command, bad}
				switch command {
				case extract:
					args = append(args, filepath.Join(dir, "root"))
				case cat:
					args = append(args, "/bin/su", "/etc/text", "/srv/random1")
				}
				status, _, words := mkinitfs(args...)
				switch {
				case slices.Contains(tt.fails, command) && (status != exitFailed || !strings.Contains(words, tt.words)):
					t.Errorf("%s: got status %d and %q, want 1 and %q", command, status, words, tt.words)
				case strings.Count(words, tt.words) > 1:
					t.Errorf("%s: says it more than once: %q", command, words)
				}
			}
		})
	}
}

// TestWholeBind takes segments out of a bound root, of which none may be missing.
func TestWholeBind(t *testing.T) {
	stub := filepath.Join(t.TempDir(), "stub")
	writeFile(t, stub, emptyProgram(elf.EM_386))
	img, built := buildImage(t, manyMembers(t, "root: {type: bind}"), "--stub", stub)
	data := []byte(readFile(t, img))
	if len(built.Segments) < 3 {
		t.Fatalf("got %d segments, want several", len(built.Segments))
	}
	for i, s := range built.Segments {
		end := int64(len(data))
		if i+1 < len(built.Segments) {
			end = built.Segments[i+1].Offset
		}
		bad := filepath.Join(t.TempDir(), "bad.img")
		writeFile(t, bad, append(data[:s.Offset:s.Offset], data[end:]...))
		status, _, words := mkinitfs("list", bad)
		if boot := i == 0; status == 0 != boot || !boot && !strings.Contains(words, "not whole: the boot plan has") {
			t.Errorf("without segment %d: got status %d and %q", i, status, words)
		}
	}
	if status, _, words := mkinitfs("list", img); status != 0 {
		t.Errorf("the whole image: got status %d and %q", status, words)
	}
}

// TestWholeXattrs takes out the table of extended attributes. All commands that read the
// image must notice it.
func TestWholeXattrs(t *testing.T) {
	stub := filepath.Join(t.TempDir(), "stub")
	writeFile(t, stub, emptyProgram(elf.EM_X86_64))
	manifest := "version: 1\ncompress: none\ncontents: [{type: file, dst: /sbin/init, content: x, mode: 0755, xattrs: {user.a: b}}]\narch: amd64"
	img, built := buildImage(t, manifest, "--stub", stub)
	data := []byte(readFile(t, img))
	boot := built.Segments[0]
	var kept []member
	for _, m := range membersAsFound(t, data[:boot.Size]) {
		if m.name == ".mkinitfs/plan" {
			kept = append(kept, m)
		}
	}
	bad := filepath.Join(t.TempDir(), "bad.img")
	writeFile(t, bad, append(membersOut(t, kept), data[boot.Offset+boot.Size:]...))
	status, _, words := mkinitfs("list", bad)
	if want := "not whole: .mkinitfs/xattrs is missing"; status != exitFailed || !strings.Contains(words, want) {
		t.Errorf("got status %d and %q, want 1 and %q", status, words, want)
	}
}

type member struct {
	name string
	data []byte
}

// membersAsFound returns the members in an archive.
func membersAsFound(t *testing.T, archive []byte) []member {
	t.Helper()
	var members []member
	for r := cpio.NewReader(bytes.NewReader(archive)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return members
		}
		check(t, err)
		data, err := io.ReadAll(r)
		check(t, err)
		members = append(members, member{h.Name, data})
	}
}

// membersOut returns an archive of members.
func membersOut(t *testing.T, members []member) []byte {
	t.Helper()
	var b bytes.Buffer
	w := cpio.NewWriter(&b)
	for i, m := range members {
		h := &cpio.Header{Name: m.name, Mode: cpio.TypeFile | 0o400, Nlink: 1, Ino: uint32(i + 1), Size: int64(len(m.data))}
		check(t, w.WriteHeader(h))
		_, err := w.Write(m.data)
		check(t, err)
	}
	check(t, w.Close())
	return b.Bytes()
}
