//go:build linux

package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

func TestSplitCmdline(t *testing.T) {
	for _, c := range []struct {
		line string
		want []string
	}{
		{"", nil},
		{" \t\n", nil},
		{"quiet\n", []string{"quiet"}},
		{"  a  b=c\td\n", []string{"a", "b=c", "d"}},
		{`a="b c" d`, []string{"a=b c", "d"}},
		{`"a=b c" d`, []string{"a=b c", "d"}},
		{`a="b  c`, []string{"a=b  c"}},
		{`a="" b`, []string{"a=", "b"}},
		{`"" b`, []string{"", "b"}},
	} {
		if diff := cmp.Diff(c.want, splitCmdline(c.line)); diff != "" {
			t.Errorf("%q: -want +got\n%s", c.line, diff)
		}
	}
}

func TestParseCmdline(t *testing.T) {
	for _, c := range []struct {
		line string
		want cmdline
	}{
		{"console=ttyS0 quiet ro\n", cmdline{}},
		{
			"root=tmpfs rootfstype=ramfs rootflags=size=50%,mode=0700 init=/bin/sh mkinitfs.on_error=shell",
			cmdline{root: "tmpfs", rootfstype: "ramfs", rootflags: "size=50%,mode=0700", init: "/bin/sh", onError: "shell"},
		},
		{"init=/a init=/b root=x root=", cmdline{init: "/b"}},
		{`init="/my init" rdinit=/c`, cmdline{init: "/my init"}},
		{"init root rootflags", cmdline{}},
		{"init=/a -- init=/b", cmdline{init: "/a"}},
		{"--x init=/a", cmdline{init: "/a"}},
		{"mkinitfs.on_error=reboot mkinitfs.on_error=poweroff", cmdline{onError: "poweroff"}},
		{"mkinitfs.on_error=ignore", cmdline{onError: "ignore"}},
		{"mkinitfs.break", cmdline{pause: "exec"}},
		{"mkinitfs.break=unpack", cmdline{pause: "unpack"}},
		{"xinit=/a init.x=/b", cmdline{}},
	} {
		got := parseCmdline(c.line)
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(cmdline{})); diff != "" {
			t.Errorf("%q: -want +got\n%s", c.line, diff)
		}
	}
}

func TestCheckWords(t *testing.T) {
	for _, c := range []struct{ root, line, onError, log string }{
		{"tmpfs", "mkinitfs.on_error=reboot mkinitfs.break", "reboot", ""},
		{"tmpfs", "mkinitfs.break=unpack", "", ""},
		{"bind", "mkinitfs.break=switch", "", ""},
		{"bind", "mkinitfs.break=unpack", "", "<4>mkinitfs: mkinitfs.break=unpack ignored: it is one of program mount switch modules exec\n"},
		{"tmpfs", "mkinitfs.break=x", "", "<4>mkinitfs: mkinitfs.break=x ignored: it is one of mount unpack program switch modules exec\n"},
		{"tmpfs", "mkinitfs.on_error=x", "", "<4>mkinitfs: mkinitfs.on_error=x ignored: it is one of panic reboot poweroff shell\n"},
	} {
		kmsg, logged := listen(t)
		b := &boot{kmsg: kmsg, plan: &bootplan.Plan{Root: c.root}, words: parseCmdline(c.line)}
		b.checkWords()
		if got := logged(); got != c.log {
			t.Errorf("%s, %q: got %q in the log, want %q", c.root, c.line, got, c.log)
		}
		if b.words.onError != c.onError {
			t.Errorf("%s, %q: got on_error %q, want %q", c.root, c.line, b.words.onError, c.onError)
		}
	}
}

func TestVendor(t *testing.T) {
	for line, want := range map[string]bool{
		"":                                    false,
		"root=tmpfs":                          false,
		"rootfstype=ramfs":                    false,
		"root=tmpfs rootfstype=tmpfs":         false,
		"root=/dev/mtdblock2":                 true,
		"rootfstype=squashfs,jffs2":           true,
		"rootfstype=squashfs root=tmpfs":      true,
		"root=/dev/mtdblock2 rootfstype=":     true,
		"root=/dev/ram0 rootfstype=tmpfs":     true,
		"ubi.mtd=rootfs init=/etc/preinit ro": false,
	} {
		if got := parseCmdline(line).vendor(); got != want {
			t.Errorf("%q: got %v, want %v", line, got, want)
		}
	}
}

func TestFields(t *testing.T) {
	for line, want := range map[string][]string{
		"":                         nil,
		"MemTotal:    5800 kB":     {"MemTotal:", "5800", "kB"},
		"\t/bin/sh\r\n":            {"/bin/sh"},
		"one":                      {"one"},
		"1 1 0:2 / / rw - x rw\t ": {"1", "1", "0:2", "/", "/", "rw", "-", "x", "rw"},
	} {
		if diff := cmp.Diff(want, fields(line)); diff != "" {
			t.Errorf("%q: -want +got\n%s", line, diff)
		}
	}
}

func TestEnvironment(t *testing.T) {
	for _, c := range []struct{ kernel, plan, want []string }{
		{nil, nil, nil},
		{[]string{"HOME=/", "TERM=linux"}, nil, []string{"HOME=/", "TERM=linux"}},
		{[]string{"HOME=/", "TERM=linux"}, []string{"LANG=C"}, []string{"HOME=/", "TERM=linux", "LANG=C"}},
		{[]string{"HOME=/", "TERM=linux"}, []string{"HOME=/root", "TERM=vt102"}, []string{"HOME=/root", "TERM=vt102"}},
		// What the command line says wins over the plan.
		{[]string{"HOME=/", "TERM=vt220", "A=1"}, []string{"TERM=vt102", "A=2", "AB=3"}, []string{"HOME=/", "TERM=vt220", "A=1", "AB=3"}},
		{[]string{"AB=1"}, []string{"A="}, []string{"AB=1", "A="}},
	} {
		if diff := cmp.Diff(c.want, environment(c.kernel, &bootplan.Plan{Env: c.plan})); diff != "" {
			t.Errorf("%q and %q: -want +got\n%s", c.kernel, c.plan, diff)
		}
	}
}

// The user's home is for HOME, unless the plan or the command line has that.
func TestEnvironmentHome(t *testing.T) {
	for _, c := range []struct {
		kernel, plan []string
		user         *bootplan.User
		want         []string
	}{
		{[]string{"HOME=/"}, nil, &bootplan.User{Home: "/srv"}, []string{"HOME=/srv"}},
		{[]string{"HOME=/"}, nil, &bootplan.User{}, []string{"HOME=/"}},
		{[]string{"HOME=/"}, []string{"HOME=/opt"}, &bootplan.User{Home: "/srv"}, []string{"HOME=/opt"}},
		{[]string{"HOME=/tmp"}, nil, &bootplan.User{Home: "/srv"}, []string{"HOME=/tmp"}},
	} {
		p := &bootplan.Plan{Env: c.plan, User: c.user}
		if diff := cmp.Diff(c.want, environment(c.kernel, p)); diff != "" {
			t.Errorf("%q, %q and %+v: -want +got\n%s", c.kernel, c.plan, *c.user, diff)
		}
	}
}
