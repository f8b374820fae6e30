package image

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
)

// What is no archive is called what it is, wherever it stands.
func TestFormats(t *testing.T) {
	at := func(offset int, magic string) string { return strings.Repeat("\x01", offset) + magic }
	for head, want := range map[string]string{
		"070707" + at(110, "1"):       "old character format",
		"\xc7\x71" + at(24, "x"):      "old binary format",
		"\x71\xc7" + at(24, "x"):      "old binary format",
		"\x27\x05\x19\x56 and so on":  "U-Boot uImage",
		"\xd0\x0d\xfe\xed and so on":  "FIT image",
		"MZ" + at(0x200, "HdrS"):      "Linux kernel",
		"MZ" + at(0x200, "HdrT"):      "PE program",
		"MZ" + at(0x36, "ARM\x64"):    "Linux kernel (Image for arm64)",
		"MZ" + at(0x36, "RSC\x05"):    "Linux kernel (Image for RISC-V)",
		at(0x24, "\x18\x28\x6f\x01"):  "Linux kernel (zImage for ARM)",
		"MZ\x00\x00zimg":              "Linux kernel that unpacks itself under EFI (zboot)",
		at(0x400, "\xe2\xe1\xf5\xe0"): "EROFS",
		"UBI#":                        "UBI image",
		"\x31\x18\x10\x06":            "UBIFS",
		"QFI\xfb":                     "qcow2",
		at(510, "\x55\xaa"):           "disk image",
		"\xed\xab\xee\xdb":            "RPM package",
		"LZIP":                        "lzip",
		"\x1f\x9d":                    "compressed with compress",
		"ANDROID!":                    "Android boot image",
		"hsqs":                        "squashfs",
		at(257, "ustar"):              "tar archive",
		at(0x438, "\x53\xef"):         "ext4",
		"!<arch>\ndebian-binary":      "Debian package",
		"PK\x03\x04":                  "zip archive",
		"\x7fELF":                     "ELF program",
		at(0x438, "\x53\xee"):         "no known archive",
		"nothing":                     "no known archive",
	} {
		behind := append(archive(t, "a=1"), head...)
		for name, data := range map[string][]byte{"alone": []byte(head), "behind an archive": behind, "in a stream": pack(t, "gzip", behind)} {
			_, err := Walk(bytes.NewReader(data), func(*Entry, io.Reader) error { return nil })
			if !strings.Contains(fmt.Sprint(err), want) {
				t.Errorf("%.20q, %s: got %v, want %q", head, name, err, want)
			}
		}
	}
}
