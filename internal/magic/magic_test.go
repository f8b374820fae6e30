package magic

import (
	"slices"
	"strings"
	"testing"
)

func TestAll(t *testing.T) {
	at := func(offset int, magic string) string { return strings.Repeat("\x01", offset) + magic }
	for head, want := range map[string][]Format{
		"070707":                 {OldCpio, Cpio},
		"070701":                 {Cpio},
		"\xc7\x71" + at(24, ""):  {BinCpio},
		"\xc7\x71" + at(23, ""):  nil,
		"!<arch>\ndebian-binary": {Debian, Ar},
		"!<arch>\nx":             {Ar},
		"MZ" + at(508, "\x55\xaa") + at(2, "HdrS"): {BzImage, BootBlock, PE},
		"hsqs":                 {Squashfs},
		"hsq":                  nil,
		at(0x438, "\x53\xef"):  {Ext},
		at(0x438, "\x53"):      nil,
		at(257, "ustar"):       {Tar},
		"\x7fELF":              {ELF},
		"":                     nil,
		"begins like no other": nil,
	} {
		var got []Format
		for f := range All([]byte(head)) {
			got = append(got, f)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%.20q: got %q, want %q", head, got, want)
		}
		for _, f := range want {
			if !Is([]byte(head), f) {
				t.Errorf("%.20q is no %s", head, f)
			}
		}
	}
}

// TestRows holds that HeadSize is enough for every magic, and that none is there twice.
func TestRows(t *testing.T) {
	seen := map[string]Format{}
	for _, r := range rows {
		for _, magic := range r.magics {
			if r.at+len(magic) > HeadSize {
				t.Errorf("%s: its magic ends at %d, behind HeadSize", r.format, r.at+len(magic))
			}
			if other, ok := seen[magic]; ok {
				t.Errorf("%s has the magic of %s", r.format, other)
			}
			seen[magic] = r.format
		}
		if Is(nil, r.format) {
			t.Errorf("%s: an empty file is one", r.format)
		}
	}
}
