package report_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/internal/guest/report"
)

var whole = report.Report{
	Nonce: "n0nce",
	Entries: []report.Entry{
		{Path: "/", Mode: 0o40755, Nlink: 3, Ino: 1, MTime: 1},
		{Path: "/a \"b\"\n\\c\xff", Mode: 0o104755, UID: 1000, GID: 4294967295, Nlink: 2, Ino: 1 << 40, MTime: -5, Nanos: 20, Size: 5 << 30, Blocks: 8, SHA256: "d41d8cd98f00b204e9800998ecf8427e"},
		{Path: "/ünix", Mode: 0o120777, Nlink: 1, Ino: 3, Target: "../with space"},
		{Path: "/ttyS0", Mode: 0o20620, Nlink: 1, Ino: 4, Major: 4, Minor: 64, Xattrs: map[string]string{"trusted.a": "\x00 \"", "user.b": ""}},
	},
	Mounts: []report.Mount{{ID: 2, Parent: 1, Root: "/", Point: "/my\\040mount", Options: "rw", Type: "tmpfs", Source: "none", Super: "rw,size=5k"}},
	Files:  []report.File{{FD: 0, Mount: 2, Path: "/dev/console"}},
	Args:   []string{"/init", "", "a b"},
	Env:    []string{"HOME=/"},
	Uptime: 2345 * time.Millisecond,
	Total:  256 << 20,
	Free:   1 << 20,
	Raw:    []report.Raw{{"/bin/ping", ""}, {"/init", "operation not permitted"}},
	Pivot:  "pivot_root: invalid argument",
}

func TestRoundTrip(t *testing.T) {
	serial := "[    0.1] Command line: mkinitfs.nonce=n0nce\r\n" +
		strings.ReplaceAll(string(whole.Format(nil)), "\n", "\r\n") +
		"[    2.9] reboot: Power down\r\n"
	got, err := report.Parse([]byte(serial), "n0nce")
	if err != nil {
		t.Fatal(err)
	}
	// Byte order puts the ü behind the t.
	want := whole
	want.Entries = []report.Entry{whole.Entries[0], whole.Entries[1], whole.Entries[3], whole.Entries[2]}
	if diff := cmp.Diff(&want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if got := got.Entry("/ttyS0"); got == nil || got.Minor != 64 {
		t.Errorf("got entry %+v of /ttyS0, want one with minor 64", got)
	}
	if got := got.Entry("/tty"); got != nil {
		t.Errorf("got entry %+v of /tty, want none", got)
	}
}

func TestParseErrors(t *testing.T) {
	text := whole.Format(nil)
	tests := []struct {
		name   string
		serial []byte
		want   string
	}{
		{"nothing", []byte("Command line: mkinitfs.nonce=n0nce\n"), `no report with nonce "n0nce"`},
		{"another's", bytes.ReplaceAll(text, []byte("n0nce"), []byte("other")), `no report with nonce "n0nce"`},
		{"cut short", text[:len(text)/2], "the report has no end"},
		{"a byte changed", bytes.Replace(text, []byte("tmpfs"), []byte("ramfs"), 1), "the report is garbled"},
		{"a message between", bytes.Replace(text, []byte("mount"), []byte("[    3.0] oops\nmount"), 1), "the report is garbled"},
		{"problem", whole.Format([]string{"list /: permission denied"}), "the guest met a problem: list /: permission denied"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := report.Parse(test.serial, "n0nce")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
		})
	}
}
