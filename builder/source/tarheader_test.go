package source

import (
	"archive/tar"
	"bytes"
	"fmt"
	"testing"

	"github.com/mkinitfs/mkinitfs/manifests"
)

// What only old or incremental archives have.
func TestTarOldTypes(t *testing.T) {
	data := archive(t, tar.FormatGNU,
		member{tar.Header{Typeflag: 'V', Name: "backup of monday"}, ""},
		member{tar.Header{Typeflag: 'D', Name: "etc/", Mode: 0o700}, "Yconf\x00\x00"},
		member{tar.Header{Typeflag: tar.TypeReg, Name: "etc/conf", Mode: 0o600}, "conf"},
		member{tar.Header{Typeflag: tar.TypeReg, Name: "bin", Mode: 0o755}, ""},
		member{tar.Header{Typeflag: tar.TypeReg, Name: "lib", Mode: 0o755}, ""},
	)
	for i, flag := range map[string]byte{"bin": 0, "lib": '0'} {
		header := data[bytes.Index(data, []byte(i+"\x00")):][:tarBlock]
		header[3] = '/'
		header[156] = flag
		copy(header[148:], "        ")
		n := 0
		for _, c := range header {
			n += int(c)
		}
		copy(header[148:], fmt.Sprintf("%06o\x00 ", n))
	}
	listTar(t, data, manifests.Tar{Item: manifests.Item{Dst: "/"}}, Env{}, `
/etc dir 0700 mtime=1000 implied
/etc/conf file 0600 mtime=1000 "conf"
/bin dir 0755 mtime=1000 implied
/lib dir 0755 mtime=1000 implied
`)
}

// A global header is for all members behind it that have no record of their own.
func TestTarGlobal(t *testing.T) {
	file := func(name string) member {
		return member{tar.Header{Typeflag: tar.TypeReg, Name: name, Uid: 1}, ""}
	}
	data := archive(t, tar.FormatPAX,
		file("before"),
		member{tar.Header{Typeflag: tar.TypeXGlobalHeader, PAXRecords: map[string]string{"comment": "c", "uid": "7", "mtime": "2000.5"}}, ""},
		file("behind"),
		member{tar.Header{Typeflag: tar.TypeReg, Name: "own", Uid: 1 << 22}, ""},
	)
	listTar(t, data, manifests.Tar{Item: manifests.Item{Dst: "/"}}, Env{}, `
/before file 0000 owner=1:0 mtime=1000 ""
/behind file 0000 owner=7:0 mtime=2000 ""
/own file 0000 owner=4194304:0 mtime=2000 ""
`)
}
