package bootplan

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

var attributes = []Xattr{
	{"security.capability", "\x01\x00\x00\x02\x00\x20 \\", []string{"/bin/ping"}},
	{"security.selinux", "system_u:object_r:bin_t:s0\x00", []string{"/", "/bin", "/with space\n"}},
	{"user.empty", "", []string{"/bin/ping"}},
	{"user.large", strings.Repeat("\x00", 1<<16), []string{"/bin"}},
	{"user.odd name", "\x00", []string{"/bin"}},
}

func TestXattrs(t *testing.T) {
	text := string(MarshalXattrs(attributes))
	var want, got []string
	for _, a := range attributes {
		for _, path := range a.Paths {
			want = append(want, path+" "+a.Name+" "+a.Value)
		}
	}
	set := func(path, name, value string) error {
		got = append(got, path+" "+name+" "+value)
		return nil
	}
	if err := ReadXattrs(iotest.OneByteReader(strings.NewReader(text)), set); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("round trip (-want +got):\n%s", d)
	}
}

// TestXattrsText pins the format, because stubs that are already built must read it.
func TestXattrsText(t *testing.T) {
	want := `xattrs 1
attr security.capability \001\000\000\002\000\040\040\134
/bin/ping
attr security.selinux system_u:object_r:bin_t:s0\000
/
/bin
/with\040space\012
attr user.empty ` + `
/bin/ping
end 5
`
	if d := cmp.Diff(want, string(MarshalXattrs(attributes[:3]))); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestXattrsDamage(t *testing.T) {
	text := string(MarshalXattrs(attributes))
	set := func(_, _, _ string) error { return nil }
	for n := range len(text) - 1 {
		if n > 300 && n < len(text)-300 {
			continue
		}
		if err := ReadXattrs(strings.NewReader(text[:n]), set); err == nil {
			t.Errorf("got no error of the first %d bytes of %d", n, len(text))
		}
	}
	for _, damaged := range []string{
		"", "\n", "xattrs 2\nend 0\n", "attr user.a b\nend 0\n",
		"xattrs 1\n/a\nend 1\n", "xattrs 1\nattr user.a b\n/a\nend 2\n", "xattrs 1\nattr user.a b\na\nend 1\n",
		"xattrs 1\nattr user.a b\n/a/../../b\nend 1\n", "xattrs 1\nattr user.a b\n/..\nend 1\n",
		"xattrs 1\nattr user.a \\9\n/a\nend 1\n", "xattrs 1\nattr user.a b\n/\\0\nend 1\n",
		"xattrs 1\nend 0\nend 0\n", "xattrs 1\nend 0\n\x00\x00", "xattrs 1\nend x\n", "xattrs 1\n\nend 0\n",
	} {
		if err := ReadXattrs(strings.NewReader(damaged), set); err == nil {
			t.Errorf("got no error of %q", damaged)
		}
	}
	want := errors.New("full")
	if err := ReadXattrs(strings.NewReader(text), func(_, _, _ string) error { return want }); err != want {
		t.Errorf("got error %v, want that of set", err)
	}
}
