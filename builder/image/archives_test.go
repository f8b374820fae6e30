package image

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/compress"
)

// archive makes a raw archive of words "name=content": a file; "name/": a directory;
// "name>target": a symbolic link; "name@3": a file with inode 3 and two names.
func archive(t testing.TB, words ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := cpio.NewWriter(&b)
	for i, word := range words {
		at := strings.IndexAny(word, "=/>@")
		for strings.HasPrefix(word[at:], "/") && at < len(word)-1 { // a slash within the name
			at += 1 + strings.IndexAny(word[at+1:], "=/>@")
		}
		h := &cpio.Header{Name: word[:at], Ino: uint32(100 + i), Nlink: 1, Mode: cpio.TypeFile | 0o644}
		content := word[at+1:]
		switch word[at] {
		case '/':
			h.Mode = cpio.TypeDir | 0o755
		case '>':
			h.Mode = cpio.TypeLink | 0o777
		case '@':
			h.Nlink = 2
			fmt.Sscan(content, &h.Ino)
			content = ""
		}
		h.Size = int64(len(content))
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// archiveOf makes a raw archive of entries without a body. Each has one name.
func archiveOf(t testing.TB, headers ...cpio.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := cpio.NewWriter(&b)
	for i, h := range headers {
		h.Ino, h.Nlink = uint32(100+i), 1
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func pack(t testing.TB, codec string, data []byte) []byte {
	t.Helper()
	c, err := compress.Lookup(codec)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := c.NewWriter(&b, compress.Options{Size: int64(len(data)), Level: min(1, c.MaxLevel)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// join lays segments out as the builder does.
func join(t testing.TB, segments ...[]byte) []byte {
	t.Helper()
	var b []byte
	for i, s := range segments {
		var next *compress.Codec
		if i+1 < len(segments) {
			next = compress.Detect(segments[i+1])
		}
		b = append(b, s...)
		b = append(b, make([]byte, compress.Detect(s).Pad(int64(len(b)), next))...)
	}
	return b
}

// walk returns one line an entry: segment, member, name and body. It walks once as
// from a pipe and once as a file, where bodies can be skipped and streams be decoded
// ahead, and the error says so if that is not the same.
func walk(data []byte) ([]string, *Info, error) {
	lines, info, err := walkReader(struct{ io.Reader }{bytes.NewReader(data)})
	fileLines, fileInfo, fileErr := walkReader(bytes.NewReader(data))
	diff := cmp.Diff(lines, fileLines) + cmp.Diff(info, fileInfo) + cmp.Diff(fmt.Sprint(err), fmt.Sprint(fileErr))
	if diff != "" {
		return lines, info, fmt.Errorf("-pipe +file\n%s", diff)
	}
	return lines, info, err
}

func walkReader(r io.Reader) ([]string, *Info, error) {
	var lines []string
	info, err := Walk(r, func(e *Entry, body io.Reader) error {
		line := fmt.Sprintf("%d %s", e.Segment, e.Name)
		if e.Member != "" {
			line = fmt.Sprintf("%d %s %s", e.Segment, e.Member, e.Name)
		}
		if memberName(e) == "" {
			b, err := io.ReadAll(body)
			if err != nil {
				return err
			}
			if len(b) > 0 {
				line += "=" + string(b)
			}
		}
		if e.HardLinkOf != "" {
			line += "@" + e.HardLinkOf
		}
		lines = append(lines, line)
		return nil
	})
	return lines, info, err
}

// planFor is the boot plan, as a word, of a root that comes in members.
func planFor(t testing.TB, members ...[]byte) string {
	t.Helper()
	p := bootplan.Plan{Root: "tmpfs"}
	for _, m := range members {
		info, err := Walk(bytes.NewReader(m), func(*Entry, io.Reader) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		p.Entries += int64(info.Segments[0].Entries)
		p.Members = append(p.Members, bootplan.Member{
			Packed: int64(len(m)), Unpacked: info.Segments[0].Unpacked,
			SHA256: fmt.Sprintf("%x", sha256.Sum256(m)), CRC32: fmt.Sprintf("%08x", crc32.ChecksumIEEE(m)),
		})
	}
	return ".mkinitfs/plan=" + string(p.Marshal())
}

// payloadOf has members as words.
func payloadOf(members ...[]byte) []string {
	var words []string
	for i, m := range members {
		words = append(words, bootplan.MemberName(i)+"="+string(m))
	}
	return words
}

// nestedMembers are the members of nested.
func nestedMembers(t testing.TB, codec string) [][]byte {
	return [][]byte{
		pack(t, codec, archive(t, "./", "etc/", "bin/", "init>sbin/init")),
		pack(t, codec, archive(t, "etc/hosts=localhost\n", "bin/sh@7", "bin/ls@7")),
	}
}

// nested is an image of ours with a packed payload.
func nested(t testing.TB, codec string) []byte {
	members := nestedMembers(t, codec)
	boot := archive(t, "dev/", ".mkinitfs/", planFor(t, members...), "init=stub")
	return join(t, pack(t, "gzip", boot), archive(t, payloadOf(members...)...))
}

// swap gives content to the last entry of an archive whose entries have none.
func swap(t *testing.T, data []byte, content string) []byte {
	t.Helper()
	end := len(data) - int(cpio.TrailerSize)
	at := bytes.LastIndex(data[:end], []byte("070701"))
	b := bytes.Clone(data[:end])
	copy(b[at+54:], fmt.Sprintf("%08X", len(content)))
	b = append(b, content...)
	b = append(b, make([]byte, -len(content)&3)...)
	return append(b, data[end:]...)
}
