package main

import (
	"bytes"
	"cmp"
	"debug/elf"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	uroot "github.com/u-root/u-root/pkg/cpio"

	"github.com/mkinitfs/mkinitfs/builder"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestToolsReadImages cuts images of every kind into segments and members, and decompresses
// these with the system's tools. Then it compares what GNU cpio, bsdcpio and u-root see in
// each archive with what list shows.
func TestToolsReadImages(t *testing.T) {
	roots := []string{
		"type: tmpfs, payload: none", "type: tmpfs, payload: gzip", "type: tmpfs, payload: lz4", "type: tmpfs, payload: xz:1",
		"type: tmpfs, payload: zstd", "type: bind", "type: none",
	}
	for _, root := range roots {
		for i, outer := range []string{"gzip", "zstd", "xz", "lz4", "none"} {
			if i > 0 && slices.Contains([]string{"type: tmpfs, payload: gzip", "type: tmpfs, payload: lz4", "type: tmpfs, payload: xz:1"}, root) {
				continue // members do not depend on the codec of the segments
			}
			t.Run(root+", compress: "+outer, func(t *testing.T) {
				t.Parallel()
				dir := t.TempDir()
				stub := filepath.Join(dir, "stub")
				writeFile(t, stub, emptyProgram(elf.EM_386))
				img, built := buildImage(t, manyMembers(t, "root: {"+root+"}", "compress: "+outer), "--stub", stub)
				image := []byte(readFile(t, img))
				if built.Size != int64(len(image)) || built.Size%4 != 0 {
					t.Errorf("got %d bytes of an image, report says %d; want a multiple of 4", len(image), built.Size)
				}
				stored, inRoot := listed(t, img, "--outer"), listed(t, img)
				members := 0
				before := "" // codec of the segment before
				for i, segment := range kernelSegments(built.Segments) {
					var archives [][]byte
					for _, s := range segment {
						archive := unpacked(t, s.Codec, image[s.Offset:s.Offset+s.Size])
						if int64(len(archive)) != s.Unpacked {
							t.Errorf("segment %d: got %d bytes unpacked, report says %d", i, len(archive), s.Unpacked)
						}
						archives = append(archives, archive)
						for _, name := range membersIn(t, archive) {
							member := unpacked(t, built.Payload, name.data)
							if want := built.Members[members]; int64(len(name.data)) != want.Size || int64(len(member)) != want.Unpacked {
								t.Errorf("%s: got %d of %d bytes, report says %d of %d", name.name, len(name.data), len(member), want.Size, want.Unpacked)
							}
							members++
							wantRows(t, name.name, rowsOf(inRoot, func(e entryJSON) bool { return e.Member == name.name }), member)
						}
					}
					wantRows(t, fmt.Sprint("segment ", i), rowsOf(stored, func(e entryJSON) bool { return e.Segment == i }), archives...)
					first, last := segment[0], segment[len(segment)-1]
					whole := unpacked(t, first.Codec, image[first.Offset:last.Offset+last.Size])
					if !bytes.Equal(whole, slices.Concat(archives...)) {
						t.Errorf("segment %d: %s unpacks %d bytes, want the archives one after the other", i, first.Codec, len(whole))
					}
					if before == "lz4" && first.Codec == "lz4" {
						t.Errorf("segment %d: want no zeros between lz4 and lz4", i)
					}
					before = first.Codec
				}
				if members != len(built.Members) {
					t.Errorf("got %d members, report says %d", members, len(built.Members))
				}
				if many := len(built.Members) + len(built.Segments); many < 3 {
					t.Errorf("got %d segments and members, want several", many)
				}
			})
		}
	}
}

// kernelSegments groups the segments of a report as the kernel sees them: lz4 right behind lz4
// belongs to the same segment.
func kernelSegments(written []builder.Segment) [][]builder.Segment {
	var seen [][]builder.Segment
	for i, s := range written {
		if i > 0 && s.Codec == "lz4" && written[i-1].Codec == s.Codec && written[i-1].Offset+written[i-1].Size == s.Offset {
			seen[len(seen)-1] = append(seen[len(seen)-1], s)
		} else {
			seen = append(seen, []builder.Segment{s})
		}
	}
	return seen
}

// TestToolsExtractHardLinks extracts a file with several names with other tools. 7-Zip gives
// all names the content only if the last one carries it.
func TestToolsExtractHardLinks(t *testing.T) {
	img, _ := buildImage(t, `version: 1
root: {type: none}
compress: none
contents:
  - {type: file, dst: /init, mode: 0755, content: "shared", links: [/a, /z]}
  - {type: file, dst: /empty, content: "", links: [/void]}
`)
	for _, tool := range [][]string{
		{"cpio", "-id", "--quiet", "-F", img}, {"bsdcpio", "-id", "--quiet", "-F", img},
		{"busybox", "cpio", "-i", "-d", "-F", img}, {"7zz", "x", "-y", "-bd", img},
	} {
		t.Run(tool[0], func(t *testing.T) {
			program := testenv.Tool(t, tool[0])
			dir := t.TempDir()
			cmd := exec.Command(program, tool[1:]...)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput() // may fail because of the devices
			for names, want := range map[string]string{"a init z": "shared", "empty void": ""} {
				var first os.FileInfo
				for name := range strings.FieldsSeq(names) {
					path := filepath.Join(dir, name)
					info, statErr := os.Lstat(path)
					if statErr != nil {
						t.Fatalf("%v; %s: %v\n%s", statErr, tool[0], err, out)
					}
					if got := readFile(t, path); got != want {
						t.Errorf("%s: got %q, want %q", name, got, want)
					}
					if first == nil {
						first = info
					} else if !os.SameFile(first, info) {
						t.Errorf("%s is not a name of the same file", name)
					}
				}
			}
		})
	}
}

// manyMembers returns a manifest with some MiB for a machine with small members.
func manyMembers(t *testing.T, lines ...string) string {
	t.Helper()
	dir := t.TempDir()
	random := rand.NewChaCha8([32]byte{2})
	data := make([]byte, 2_100_001)
	for i := range 4 {
		random.Read(data[:700_001])
		writeFile(t, filepath.Join(dir, fmt.Sprint("random", i)), data)
	}
	return strings.Join(append([]string{
		"version: 1",
		"arch: \"386\"",
		"contents:",
		"  - {type: tree, src: \"" + dir + "\", dst: /srv, mode: 0640}",
		"  - {type: file, dst: /init, mode: 0755, content: \"#!/bin/sh\\n\", links: [/sbin/init, /zzz]}",
		"  - {type: file, dst: /bin/su, mode: 04755, content: su, owner: \"0:7\"}",
		"  - {type: file, dst: /etc/empty, mode: 02600, content: \"\"}",
		"  - {type: file, dst: /etc/text, content: \"" + strings.Repeat("all the same ", 9000) + "\"}",
		"  - {type: dir, dst: /tmp, mode: 01777}",
		"  - {type: symlink, dst: /lib, target: usr/lib}",
		"  - {type: block, dst: /dev/loop0, dev: \"7:0\"}",
		"  - {type: fifo, dst: /run/fifo}",
		"  - {type: socket, dst: /run/socket}",
	}, lines...), "\n")
}

// row is the part of an entry that every tool shows. size is for regular files only.
type row struct {
	Name, Mode string
	Size       string
}

// listed returns the entries that list --json prints for an image.
func listed(t *testing.T, img string, flags ...string) []entryJSON {
	t.Helper()
	status, out, words := mkinitfs(append([]string{"list", "--json", img}, flags...)...)
	if status != 0 {
		t.Fatalf("list: exit status %d\n%s", status, words)
	}
	var entries []entryJSON
	if err := json.Unmarshal([]byte(out), &entries); err != nil {
		t.Fatal(err)
	}
	return entries
}

func rowsOf(entries []entryJSON, want func(entryJSON) bool) []row {
	var rows []row
	last := map[string]string{} // name of each file, by its first
	for _, e := range entries {
		last[cmp.Or(e.HardLinkOf, e.Path)] = e.Path
	}
	for _, e := range entries {
		if !want(e) {
			continue
		}
		r := row{Name: strings.TrimPrefix(e.Path, "/")}
		if r.Name == "" {
			r.Name = "."
		}
		var perm uint32
		fmt.Sscanf(e.Mode, "%o", &perm)
		kind := slices.IndexFunc(fileTypes, func(t fileType) bool { return t.name == e.Type })
		r.Mode = modeText(fileTypes[kind].mode | perm)
		if e.Type == "file" {
			r.Size = fmt.Sprint(e.Size)
		}
		if e.Type == "file" && last[cmp.Or(e.HardLinkOf, e.Path)] != e.Path {
			r.Size = "0" // the last name has the content
		}
		rows = append(rows, r)
	}
	return sorted(rows)
}

func sorted(rows []row) []row {
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(a.Name, b.Name) })
	return rows
}

// wantRows checks that every reader sees the same entries in the archives.
func wantRows(t *testing.T, what string, want []row, archives ...[]byte) {
	t.Helper()
	for _, tool := range []string{"cpio", "bsdcpio"} {
		var got []row
		for _, archive := range archives {
			text := runTool(t, "", archive, tool, "-itvn", "--quiet")
			for _, m := range listing.FindAllStringSubmatch(string(text), -1) {
				r := row{Name: m[3], Mode: m[1]}
				if r.Mode[0] == '-' {
					r.Size = m[2]
				}
				if r.Mode[0] == 'l' {
					r.Name, _, _ = strings.Cut(r.Name, " -> ")
				}
				got = append(got, r)
			}
		}
		if diff := gocmp.Diff(want, sorted(got)); diff != "" {
			t.Errorf("%s, by %s (-list +%[2]s):\n%s", what, tool, diff)
		}
	}
	var got []row
	for _, archive := range archives {
		records, err := uroot.ReadAllRecords(uroot.Newc.Reader(bytes.NewReader(archive)))
		if err != nil {
			t.Errorf("%s, by u-root: %v", what, err)
		}
		for _, record := range records {
			r := row{Name: record.Name, Mode: modeText(uint32(record.Mode))}
			if record.Mode&cpio.TypeMask == cpio.TypeFile {
				r.Size = fmt.Sprint(record.FileSize)
			}
			got = append(got, r)
		}
	}
	if diff := gocmp.Diff(want, sorted(got)); diff != "" {
		t.Errorf("%s, by u-root (-list +u-root):\n%s", what, diff)
	}
}

// listing matches a line of cpio -itvn: mode, size or device, time, name.
var listing = regexp.MustCompile(`(?m)^(\S{10}) +\d+ +\d+ +\d+ +(\d+)(?:, *\d+)? ... .. +(?:\d{4}|\d\d:\d\d) (.*?)(?: link to .*)?$`)

// unpackers are the system's tools, by codec.
var unpackers = map[string][]string{
	"gzip": {"gzip", "-dc"}, "zstd": {"zstd", "-qdc"}, "xz": {"xz", "-dc"}, "lz4": {"lz4", "-qdc"},
}

func unpacked(t *testing.T, codec string, data []byte) []byte {
	t.Helper()
	if codec == "none" {
		return data
	}
	tool := unpackers[codec]
	return runTool(t, "", data, tool[0], tool[1:]...)
}

type packedMember struct {
	name string
	data []byte
}

// membersIn extracts the members from an archive with GNU cpio.
func membersIn(t *testing.T, archive []byte) []packedMember {
	t.Helper()
	dir := t.TempDir()
	runTool(t, dir, archive, "cpio", "-id", "--quiet", ".mkinitfs/root.*")
	files, err := filepath.Glob(filepath.Join(dir, ".mkinitfs/root.*"))
	if err != nil {
		t.Fatal(err)
	}
	var members []packedMember
	for _, file := range files {
		members = append(members, packedMember{filepath.Base(file), []byte(readFile(t, file))})
	}
	return members
}

// runTool runs a program of the system in dir and returns its output.
func runTool(t *testing.T, dir string, in []byte, name string, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(testenv.Tool(t, name), args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "LC_ALL=C", "TZ=UTC")
	cmd.Stdin = bytes.NewReader(in)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, &stderr)
	}
	return out
}
