package manifests

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// scalarTest is a text and what it reads as, in the notation of %v, or the
// error it gives.
type scalarTest struct{ text, want string }

// check runs tests through read.
func check[T any](t *testing.T, read func(string) (T, error), show func(T) string, tests []scalarTest) {
	t.Helper()
	for _, test := range tests {
		value, err := read(test.text)
		got := show(value)
		if err != nil {
			got = err.Error()
		}
		if got != test.want {
			t.Errorf("%q: got %s, want %s", test.text, got, test.want)
		}
	}
}

func TestParseMode(t *testing.T) {
	show := func(mode uint32) string { return fmt.Sprintf("%04o", mode) }
	check(t, parseMode, show, []scalarTest{
		{"755", "0755"},
		{"0755", "0755"},
		{"0o755", "0755"},
		{"000755", "0755"},
		{"0", "0000"},
		{"7777", "7777"},
		{"4755", "4755"},
		{"10000", "more than 07777"},
		{"99999999999999999999999999", "modes are octal: there is no 8 and no 9"},
		{"77777777777777777777777777", "more than 07777"},
		{"0788", "modes are octal: there is no 8 and no 9"},
		{"0x1ff", "want octal digits, as in 0755"},
		{"-755", "want octal digits, as in 0755"},
		{"7_55", "want octal digits, as in 0755"},
		{"0o", "want octal digits, as in 0755"},
		{"u=rwx", "want octal digits, as in 0755"},
		{"", "want octal digits, as in 0755"},
	})
}

func TestParseSize(t *testing.T) {
	check(t, ParseSize, func(n int64) string { return fmt.Sprint(n) }, []scalarTest{
		{"1", "1"},
		{"4096", "4096"},
		{"64k", "65536"},
		{"64K", "65536"},
		{"64KiB", "65536"},
		{"24m", "25165824"},
		{"5.3MiB", "5557452"},
		{"0.5K", "512"},
		{"2G", "2147483648"},
		{"1g", "1073741824"},
		{"9223372036854775807", "9223372036854775807"},
		{"9223372036854775808", "more than 63 bits can hold"},
		{"8589934592GiB", "more than 63 bits can hold"},
		{"8589934591GiB", "9223372035781033984"},
		{"0", "want more than nothing"},
		{"0.0001K", "want more than nothing"},
		{"0M", "want more than nothing"},
		{"10MB", `unknown unit "MB", want K, M, G, KiB, MiB or GiB (all powers of 1024)`},
		{"10B", `unknown unit "B", want K, M, G, KiB, MiB or GiB (all powers of 1024)`},
		{"10 M", "want a size, as in 4096, 64M or 5.3MiB"},
		{"10T", "want a size, as in 4096, 64M or 5.3MiB"},
		{"1e6", "want a size, as in 4096, 64M or 5.3MiB"},
		{"-1", "want a size, as in 4096, 64M or 5.3MiB"},
		{".5M", "want a size, as in 4096, 64M or 5.3MiB"},
		{"5.M", "want a size, as in 4096, 64M or 5.3MiB"},
		{"1.2.3", "want a size, as in 4096, 64M or 5.3MiB"},
		{"M", "want a size, as in 4096, 64M or 5.3MiB"},
		{"", "want a size, as in 4096, 64M or 5.3MiB"},
	})
}

func TestParseRootSize(t *testing.T) {
	check(t, parseRootSize, func(s Size) string { return fmt.Sprint(s.Bytes, " ", s.Percent) }, []scalarTest{
		{"auto", "0 0"},
		{"64M", "67108864 0"},
		{"1%", "0 1"},
		{"100%", "0 100"},
		{"0%", "want 1% to 100%"},
		{"101%", "want 1% to 100%"},
		{"12.5%", "want 1% to 100%"},
		{"%", "want 1% to 100%"},
	})
}

func TestParseOwner(t *testing.T) {
	show := func(o Owner) string {
		text := ""
		for _, half := range []struct {
			what string
			id   *uint32
			name string
		}{{"u", o.UID, o.User}, {"g", o.GID, o.Group}} {
			if half.id != nil {
				text += fmt.Sprint(half.what, "id ", *half.id, " ")
			}
			if half.name != "" {
				text += half.what + " " + half.name + " "
			}
		}
		return fmt.Sprint(text, o.Keep)
	}
	const names = "want names or ids of the root, as in app, 22 or app:22"
	check(t, parseSourceOwner, show, []scalarTest{
		{"22", "uid 22 false"},
		{"0", "uid 0 false"},
		{"root", "uid 0 false"},
		{"22:23", "uid 22 gid 23 false"},
		{"root:root", "uid 0 gid 0 false"},
		{":5", "gid 5 false"},
		{"4294967295", "uid 4294967295 false"},
		{"4294967296", "ids end at 4294967295"},
		{"keep", "true"},
		{"0:keep", "only what comes from the host's files can keep its owner"},
		{"", names},
		{":", names},
		{"1:", names},
		{"1:2:3", names},
		{"-1", names},
		{"0x10", names},
		{"www-data", "u www-data false"},
		{"root:adm", "uid 0 g adm false"},
		{"a.b_C$:7", "u a.b_C$ gid 7 false"},
		{"a b", names},
		{"$", names},
		{"-a", names},
	})
	if _, err := parseOwner("keep"); err == nil {
		t.Error("keep without a source: got no error, want one")
	}
}

func TestParseMTime(t *testing.T) {
	show := func(m MTime) string { return fmt.Sprint(m.Rule, " ", m.Time.Format(time.RFC3339)) }
	const none = "0001-01-01T00:00:00Z"
	check(t, parseSourceMTime, show, []scalarTest{
		{"keep", fmt.Sprint(MTimeKeep, " ", none)},
		{"clamp", fmt.Sprint(MTimeClamp, " ", none)},
		{"0", fmt.Sprint(MTimeSet, " 1970-01-01T00:00:00Z")},
		{"4294967295", fmt.Sprint(MTimeSet, " 2106-02-07T06:28:15Z")},
		{"2024-01-31T12:00:00+01:00", fmt.Sprint(MTimeSet, " 2024-01-31T11:00:00Z")},
		{"-1", "newc holds 1970-01-01 to 2106-02-07"},
		{"4294967296", "newc holds 1970-01-01 to 2106-02-07"},
		{"1969-12-31T23:59:59Z", "newc holds 1970-01-01 to 2106-02-07"},
		{"1970-01-01T00:00:00.5Z", "newc holds whole seconds"},
		{"2024-01-31", "want a time, as in 2024-01-31T12:00:00Z or in seconds since 1970"},
		{"2024-02-30T12:00:00Z", "want a time, as in 2024-01-31T12:00:00Z or in seconds since 1970"},
		{"1e9", "want a time, as in 2024-01-31T12:00:00Z or in seconds since 1970"},
		{"", "want a time, as in 2024-01-31T12:00:00Z or in seconds since 1970"},
	})
	if _, err := parseMTime("keep"); err == nil {
		t.Error("keep without a source: got no error, want one")
	}
}

func TestParseDevice(t *testing.T) {
	show := func(d Device) string { return fmt.Sprint(d.Major, ":", d.Minor) }
	check(t, parseDevice, show, []scalarTest{
		{"5:1", "5:1"},
		{"4095:1048575", "4095:1048575"},
		{"4096:0", "majors end at 4095 and minors at 1048575"},
		{"0:1048576", "majors end at 4095 and minors at 1048575"},
		{"5", "want major:minor, as in 5:1"},
		{"5:", "want major:minor, as in 5:1"},
		{"5:1:2", "want major:minor, as in 5:1"},
		{"5:-1", "want major:minor, as in 5:1"},
		{"c 5:1", "want major:minor, as in 5:1"},
	})
}

func TestParseDestination(t *testing.T) {
	show := func(d destination) string { return fmt.Sprint(d.path, " ", d.directory) }
	check(t, parseDestination, show, []scalarTest{
		{"/", "/ true"},
		{"/a", "/a false"},
		{"/a/", "/a true"},
		{"/a b/ü", "/a b/ü false"},
		{"/.mkinitfs2", "/.mkinitfs2 false"},
		{"/usr/.mkinitfs", "/usr/.mkinitfs false"},
		{"/.mkinitfs", "/.mkinitfs belongs to the boot stub"},
		{"/.mkinitfs/", "/.mkinitfs belongs to the boot stub"},
		{"/.mkinitfs/a/b", "/.mkinitfs belongs to the boot stub"},
		{"/TRAILER!!!", "this name ends an archive"},
		{"/TRAILER!!!/a", "/TRAILER!!!/a false"},
		{"", "empty"},
		{"a", "not absolute"},
		{"a/", "not absolute"},
		{"//", `not clean, write "/"`},
		{"/a//", `not clean, write "/a"`},
		{"/./a", `not clean, write "/a"`},
		{"/..", `not clean, write "/"`},
		{"/a\x00", "NUL in it"},
	})
}

func TestParsePattern(t *testing.T) {
	same := func(pattern string) string { return pattern }
	const invalid = `not a pattern: [, { or \ without its end, or } without its start`
	check(t, parsePattern, same, []scalarTest{
		{"/a", "/a"},
		{"/**/*.{a,la}", "/**/*.{a,la}"},
		{"/[a-z]?", "/[a-z]?"},
		{`/\[`, `/\[`},
		{"a", "not absolute"},
		{"/a/", `not clean, write "/a"`},
		{"/a/../b", `not clean, write "/b"`},
		{"/", "no pattern means the root itself"},
		{"/[a", invalid},
		{"/{a", invalid},
		{"/a}", invalid},
		{`/a\`, invalid},
		{"", "empty"},
	})
	check(t, parseExclude, same, []scalarTest{
		{"*.a", "*.a"},
		{"/*.a", "*.a"},
		{"usr/share/**", "usr/share/**"},
		{".", "no pattern means the root itself"},
		{"../a", `not clean, write "/a"`},
		{"a/", `not clean, write "/a"`},
		{"//a", `not clean, write "/a"`},
	})
}

func TestPlainSource(t *testing.T) {
	type result struct {
		name string
		ok   bool
	}
	for _, test := range []struct {
		src  string
		want result
	}{
		{"a/b", result{"a/b", true}},
		{"a]}", result{"a]}", true}},
		{`\[`, result{"[", true}},
		{`a\*\\b`, result{`a*\b`, true}},
		{`a\`, result{`a\`, true}},
		{"*", result{"", false}},
		{`\[{a,b}`, result{"", false}},
	} {
		name, ok := plainSource(test.src)
		if diff := cmp.Diff(test.want, result{name, ok}, cmp.AllowUnexported(result{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.src, diff)
		}
	}
}
