package image

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSelection(t *testing.T) {
	data := archive(t, "usr/", "usr/bin/", "usr/bin/sh=1", "usr/bin/[a]/", "usr/bin/[a]/x=2", "etc/", "etc/motd=3",
		"bin>usr/bin", "up>../../bin/[a]", "loop>loop")
	files, err := ReadFiles(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		patterns  []string
		want      []string
		unmatched []string
	}{
		{nil, []string{"/", "/bin", "/etc", "/etc/motd", "/loop", "/up", "/usr", "/usr/bin", "/usr/bin/[a]", "/usr/bin/[a]/x", "/usr/bin/sh"}, nil},
		{[]string{"bin/sh"}, []string{"/bin", "/usr/bin/sh"}, nil},
		{[]string{"/bin/s?"}, []string{"/bin", "/usr/bin/sh"}, nil},
		{[]string{"/bin"}, []string{"/bin"}, nil},
		{[]string{"/usr/bin/s*"}, []string{"/usr/bin/sh"}, nil},
		{[]string{"up/x"}, []string{"/bin", "/up", "/usr/bin/[a]/x"}, nil},
		{[]string{"etc", "bin/no", "loop/x"}, []string{"/etc", "/etc/motd"}, []string{"bin/no", "loop/x"}},
	} {
		s, err := Select(test.patterns...)
		if err != nil {
			t.Fatal(err)
		}
		s.Follow(files)
		var got []string
		for _, path := range []string{"/", "/bin", "/etc", "/etc/motd", "/loop", "/up", "/usr", "/usr/bin", "/usr/bin/[a]", "/usr/bin/[a]/x", "/usr/bin/sh"} {
			if s.Has(path) {
				got = append(got, path)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q: -want +got\n%s", test.patterns, diff)
		}
		if diff := cmp.Diff(test.unmatched, s.Unmatched()); diff != "" {
			t.Errorf("%q: unmatched: -want +got\n%s", test.patterns, diff)
		}
	}
	if _, err := Select("[a"); err == nil {
		t.Error("[a: got no error, want one")
	}
}
