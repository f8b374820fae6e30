package source

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/manifests"
)

func TestTarErrors(t *testing.T) {
	file := func(name string) member {
		return member{tar.Header{Typeflag: tar.TypeReg, Name: name}, strings.Repeat("data", 1000)}
	}
	good := archive(t, tar.FormatPAX, file("x"))
	tests := []struct {
		name string
		data []byte
		want string
	}{
		{"up", archive(t, tar.FormatPAX, file("a/../x")), `member "a/../x": ".." in the name`},
		{"hard link up", archive(t, tar.FormatPAX, member{tar.Header{Typeflag: tar.TypeLink, Name: "h", Linkname: "../x"}, ""}),
			`member "h": hard link to "../x": ".." in the name`},
		{"owner", archive(t, tar.FormatGNU, member{tar.Header{Typeflag: tar.TypeReg, Name: "o", Uid: -5}, ""}),
			`member "o": owner -5:0 is out of range`},
		{"type", archive(t, tar.FormatUSTAR, member{tar.Header{Typeflag: 'Z', Name: "z"}, ""}),
			`member "z": unknown type 'Z'`},
		{"cut in a content", good[:2000], `member "x": unexpected EOF: cut short, the archive has 1488 of 4000 bytes`},
		{"huge", withRecords(t, map[string]string{"size": "9000000000000000000"}), `member "x": unexpected EOF: cut short, the archive has 1024 of 9000000000000000000 bytes`},
		{"a header without end", withRecords(t, map[string]string{"comment": strings.Repeat("x", 2<<20)}), "an extended header of more than 1 MiB before byte 1049089"},
		{"a time that is none", withRecords(t, map[string]string{"mtime": "1e300"}), "damaged, or with values out of range: no valid header before byte 1536"},
		{"another volume", archive(t, tar.FormatGNU, member{tar.Header{Typeflag: 'M', Name: "m"}, ""}),
			`member "m": goes on from another volume: join the volumes first, as tar -M reads them`},
		{"global size", archive(t, tar.FormatPAX, member{tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"size": "7"}}, ""}),
			"a global header gives all members one size"},
		{"sparse of tomorrow", archive(t, tar.FormatPAX, member{tar.Header{Typeflag: tar.TypeReg, Name: "s",
			PAXRecords: map[string]string{"SCHILY.realsize": "1048576"}}, "x"}),
			`member "s": a sparse file in a format of star or Solaris: pack it as a plain one`},
		{"damaged later", append(slices.Clone(good[:len(good)-1024]), bytes.Repeat([]byte("junk"), 1000)...),
			"damaged, or with values out of range: no valid header before byte 5120"},
		{"cut in a header", good[:200], "unexpected EOF: cut short, or no tar archive"},
		{"empty", nil, "empty, not even an end of archive"},
		{"junk", bytes.Repeat([]byte("junk"), 1000), "not a tar archive, or a damaged one"},
		{"cpio", bytes.Repeat([]byte("070701"), 1000), "no tar archive but a cpio archive\n  type: cpio takes it"},
		{"deb", append([]byte("!<arch>\ndebian-binary   "), make([]byte, 2000)...), "no tar archive but a Debian package\n  dpkg-deb --fsys-tarfile writes its tarball"},
		{"ext4", append(make([]byte, 0x438), append([]byte("\x53\xef"), make([]byte, 2000)...)...), "no tar archive but an ext2, ext3 or ext4 image\n  " + byHand},
		{"gzip of lz4", gzipped(t, append([]byte("\x02\x21\x4c\x18"), make([]byte, 2000)...)), "gzip: no tar archive but compressed with lz4 a second time\n  decompress it first"},
		{"gzip of a zip", gzipped(t, append([]byte("PK\x03\x04"), make([]byte, 2000)...)), "gzip: no tar archive but a zip archive\n  " + byBsdtar},
		{"junk after gzip", append(gzipped(t, good), "junk and more"...), "junk after the compressed archive"},
		{"cut skippable frame", []byte("\x50\x2a\x4d\x18\x04\x00\x00\x00da"), "unexpected EOF: cut short, a skippable frame has 10 of 12 bytes"},
		{"gzip of junk", gzipped(t, bytes.Repeat([]byte("junk"), 1000)), "gzip: not a tar archive, or a damaged one"},
		{"cut gzip", gzipped(t, good)[:60], "gzip: unexpected EOF: cut short"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			listTar(t, test.data, manifests.Tar{Item: manifests.Item{Dst: "/"}}, Env{}, "m:1: a.tar: "+test.want+"\n")
		})
	}
}

// What a small tarball claims, and what memory its headers take, is bounded for the whole
// archive.
func TestTarBounds(t *testing.T) {
	sparse := withRecords(t, map[string]string{
		"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.name": "hole", "GNU.sparse.size": "300000",
		"GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,0",
	})
	sparse = sparse[:len(sparse)-2*tarBlock] // without the end
	long := strings.Repeat("d/", 1<<18)
	var global, xattrs []member
	for i := range 20 {
		key := fmt.Sprintf("SCHILY.xattr.user.%d", i)
		value := strings.Repeat("v", 1<<20-1000)
		global = append(global, member{tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{key: value}}, ""})
		xattrs = append(xattrs, member{tar.Header{Typeflag: tar.TypeReg, Name: "x", PAXRecords: map[string]string{key: value}}, ""})
	}
	const full = "the paths and extended attributes up to here take more than 16 MiB, which those of no root do"
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"path": {withRecords(t, map[string]string{"path": long}),
			`member "` + long[:100] + `": a path of 524288 bytes, where Linux takes 4095 at most`},
		"target": {archive(t, tar.FormatPAX, member{tar.Header{Typeflag: tar.TypeSymlink, Name: "x", Linkname: long}, ""}),
			`member "x": a path of 524288 bytes, where Linux takes 4095 at most`},
		"global headers": {archive(t, tar.FormatPAX, global...), full},
		"attributes":     {archive(t, tar.FormatPAX, xattrs...), `member "x": ` + full},
	} {
		t.Run(name, func(t *testing.T) {
			listTar(t, test.data, manifests.Tar{Item: manifests.Item{Dst: "/"}, SrcXattrs: manifests.XattrsKeep}, Env{}, "m:1: a.tar: "+test.want+"\n")
		})
	}
	t.Run("holes", func(t *testing.T) {
		tr := tar.NewReader(bytes.NewReader(slices.Concat(sparse, sparse)))
		x := expander{most: 500000, over: errors.New("sparse files of more than that")}
		defer x.Close()
		var err error
		for range 2 {
			if err != nil {
				t.Fatal(err)
			}
			h, nextErr := tr.Next()
			if nextErr != nil {
				t.Fatal(nextErr)
			}
			_, _, err = x.expand(t.Context(), tr, h.Size)
		}
		if err == nil || !strings.Contains(err.Error(), "sparse files of more than") {
			t.Errorf("got the error %v for the second, want one", err)
		}
	})
}

func TestTarEnds(t *testing.T) {
	one := archive(t, tar.FormatPAX, member{tar.Header{Typeflag: tar.TypeReg, Name: "x"}, "x"})
	const want = "/x file 0000 mtime=1000 \"x\"\n"
	listTar(t, append(slices.Clone(one), make([]byte, 8192)...), manifests.Tar{Item: manifests.Item{Dst: "/"}}, Env{}, want)
	listTar(t, append(slices.Clone(one), one...), manifests.Tar{Item: manifests.Item{Dst: "/"}}, Env{}, want+
		"warning: m:1: a.tar: what is behind the end of the archive, at byte 2048, is left out\n  tar --concatenate joins archives, cat does not\n")
	listTar(t, one[:len(one)-1024], manifests.Tar{Item: manifests.Item{Dst: "/"}}, Env{}, want+
		"warning: m:1: a.tar: no end of archive after 1024 bytes: it may have been cut short\n")
}
