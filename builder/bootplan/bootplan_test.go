package bootplan

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

var full = Plan{
	Root: "tmpfs", Arch: "arm/v7", Payload: "zstd", Extra: "merge", Xattrs: "auto", SELinux: "/etc/selinux/a b/policy/policy.33", Size: "50%", Inodes: 12, Mode: 0o1755, MTime: 1234567890,
	Exec: "/sbin/init", Args: []string{"", "two words", "back\\slash", "new\nline", "\t"}, Env: []string{"A=b c", "Ä=ö"},
	User: &User{1000, 4294967294, "/home/a b"}, Groups: []uint32{0, 27}, Workdir: "/srv/a b",
	Mounts:  []Mount{{"tmpfs", "tmpfs", "/run", ""}, {"proc", "proc", "/proc", "nosuid,nodev"}},
	Modules: []Module{{"/lib/modules/6.1 x/a.ko", true}, {"/b.ko", false}},
	OnError: "shell", Cmdline: "ignore", OnExit: "restart", Delay: 1500, Boot: []string{"/lib/firmware/a b"}, Once: []Once{{"/lib/firmware/a b", 5, 7}}, Entries: 7, Window: 1 << 20,
	Blocks: [3]int64{3, 2, 1},
	Last:   []string{"/srv/a b", "/"},
	Members: []Member{
		{Packed: 10, Unpacked: 20, SHA256: "ab", CRC32: "0badcafe"},
		{Packed: 1, Unpacked: 2, SHA256: "cd"},
	},
}

func TestRoundTrip(t *testing.T) {
	for _, want := range []Plan{full, {Root: "bind"}} {
		got, err := Parse(want.Marshal())
		if err != nil {
			t.Fatalf("Parse(%s): %v", want.Marshal(), err)
		}
		if d := cmp.Diff(&want, got); d != "" {
			t.Errorf("round trip (-want +got):\n%s", d)
		}
	}
}

// TestText pins the format, because stubs that are already built must read it.
func TestText(t *testing.T) {
	want := `mkinitfs 1
root tmpfs
arch arm/v7
payload zstd
extra merge
xattrs auto
selinux /etc/selinux/a\040b/policy/policy.33
size 50%
inodes 12
mode 01755
mtime 1234567890
exec /sbin/init
arg \000
arg two\040words
arg back\134slash
arg new\012line
arg \011
env A=b\040c
env Ä=ö
user 1000 4294967294 /home/a\040b
group 0
group 27
workdir /srv/a\040b
mount tmpfs tmpfs /run \000
mount proc proc /proc nosuid,nodev
module /lib/modules/6.1\040x/a.ko required
module /b.ko optional
on_error shell
cmdline ignore
supervise restart 1500
boot /lib/firmware/a\040b
once /lib/firmware/a\040b 5 7
entries 7
blocks 4096 3
blocks 16384 2
blocks 65536 1
window 1048576
last /srv/a\040b
last /
member 10 20 ab 0badcafe
member 1 2 cd \000
`
	if d := cmp.Diff(want, string(full.Marshal())); d != "" {
		t.Errorf("Marshal (-want +got):\n%s", d)
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                                         "cut short",
		"mkinitfs 1\nroot tmp":                     "cut short",
		"mkinitfs 2\n":                             "line 1: format 2, this stub reads format 1",
		"root tmpfs\n":                             "line 1: not a boot plan",
		"mkinitfs 1\ncolour 7\n":                   "line 2: colour: unknown key",
		"mkinitfs \x1b[31m\n":                      `line 1: format \033[31m, this stub reads format 1`,
		"mkinitfs 1\n\x1b[31m 7\n":                 `line 2: \033[31m: unknown key`,
		"mkinitfs 1\nroot\n":                       "line 2: root: wrong number of values",
		"mkinitfs 1\nentries x\n":                  "line 2: entries: bad number",
		"mkinitfs 1\nentries -1\n":                 "line 2: entries: bad number",
		"mkinitfs 1\nmode 8\n":                     "line 2: mode: bad number",
		"mkinitfs 1\nmember 1 x ab c\n":            "line 2: member: bad number",
		"mkinitfs 1\nblocks 4096 x\n":              "line 2: blocks: bad number",
		"mkinitfs 1\nblocks 512 1\n":               "line 2: blocks: bad number",
		"mkinitfs 1\nentries 1099511627777\n":      "line 2: entries: bad number",
		"mkinitfs 1\nwindow 9223372036854775808\n": "line 2: window: bad number",
		"mkinitfs 1\nblocks 4096 1099511627777\n":  "line 2: blocks: bad number",
		"mkinitfs 1\nmember 1 1099511627777 a b\n": "line 2: member: bad number",
		"mkinitfs 1\nmember 1099511627777 1 a b\n": "line 2: member: bad number",
		"mkinitfs 1\nonce /a 1 x\n":                "line 2: once: bad number",
		"mkinitfs 1\nexec /a\\04\n":                "line 2: bad escape",
		"mkinitfs 1\nexec /a\\999b\n":              "line 2: bad escape",
		"mkinitfs 1\nuser app 1 /\n":               "line 2: user: bad number",
		"mkinitfs 1\nuser 1 -1 /\n":                "line 2: user: bad number",
		"mkinitfs 1\nuser 4294967295 1 /\n":        "line 2: user: bad number",
		"mkinitfs 1\nuser 1 1\n":                   "line 2: user: wrong number of values",
		"mkinitfs 1\ngroup 4294967295\n":           "line 2: group: bad number",
		"mkinitfs 1\nmodule /a.ko\n":               "line 2: module: wrong number of values",
		"mkinitfs 1\nmodule /a.ko maybe\n":         "line 2: module: neither required nor optional",
		"mkinitfs 1\nsupervise a b\n":              "line 2: supervise: bad number",
		"mkinitfs 1\nsupervise a 9999999999999\n":  "line 2: supervise: bad number",
		"mkinitfs 1\nmount tmpfs x y\n":            "line 2: mount: wrong number of values",
	} {
		_, err := Parse([]byte(text))
		if err == nil || err.Error() != want {
			t.Errorf("Parse(%q): got error %v, want %s", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(string(full.Marshal()))
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Parse([]byte(text))
		if err != nil {
			return
		}
		again, err := Parse(p.Marshal())
		if err != nil {
			t.Fatalf("Parse of what Marshal wrote: %v", err)
		}
		if d := cmp.Diff(p, again); d != "" {
			t.Errorf("second reading differs (-first +second):\n%s", d)
		}
	})
}
