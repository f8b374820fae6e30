package accounts

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// root returns a planned root with these files.
func root(t testing.TB, files map[string]string) []*plan.Entry {
	t.Helper()
	var entries []*plan.Entry
	for path, text := range files {
		entries = append(entries, &plan.Entry{
			Path: path, Mode: plan.TypeFile | 0o644, Size: int64(len(text)), Data: plan.Data{At: strings.NewReader(text)},
		})
	}
	made, err := plan.Make(entries, plan.Options{Warn: func(string) {}})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// resolve returns the identity of a user, or the error.
func resolve(t testing.TB, user, passwd, group string) string {
	t.Helper()
	p := &bootplan.Plan{}
	i := manifests.Init{User: &manifests.Account{Name: user}, Supervise: &manifests.Supervise{}}
	err := Resolve(p, i, root(t, map[string]string{"/etc/passwd": passwd, "/etc/group": group}), func(string) {})
	if err != nil {
		return err.Error()
	}
	return fmt.Sprint(p.User.UID, ":", p.User.GID, " ", p.User.Home, " ", p.Groups)
}

// Lines that no tool would write, and what is made of them.
func TestResolve(t *testing.T) {
	for _, c := range []struct{ what, user, passwd, group, want string }{
		{"the first of two lines", "a", "a:x:1:2::/a:\na:x:3:4::/b:\n", "", "1:2 /a [2]"},
		{"the first name of an id", "1", "a:x:1:2::/a:\nb:x:1:3::/b:\n", "g:x:7:b\nh:x:8:a\n", "1:2 /a [2 8]"},
		{"a name of digits is an id", "7", "7:x:1:2::/a:\n", "", "7:0  [0]"},
		{"a name that begins with digits", "7up", "7up:x:1:2::/a:\n", "", "1:2 /a [2]"},
		{"no end of line, carriage returns and blanks", "a", " a:x:1:2::/a:\r", "g:x:5:b,a\r\n", "1:2 /a [2 5]"},
		{"no home", "a", "a:x:1:2\n", "", "1:2  [2]"},
		{"a password in the group, a member twice", "a", "a:x:1:2::/:\n", "g:pw:5:a,a\ng:x:5:a\nh:x:2:a\n", "1:2 / [2 5]"},
		{"another's name in a longer one", "a", "a:x:1:2::/:\n", "g:x:5:ab,ba, a\n", "1:2 / [2]"},
		{"lines of NIS", "a", "+::::::\n-b\na:x:1:2::/:\n", "+:::\n", "1:2 / [2]"},
		{"the largest id", "4294967294", "", "", "4294967294:0  [0]"},
		{"too large an id", "a", "a:x:4294967295:2::/:\n", "", `<manifest>: user "a": line 1 of the root's /etc/passwd: field 3 is no id: "4294967295"`},
		{"a negative id", "a", "a:x:-1:2::/:\n", "", `<manifest>: user "a": line 1 of the root's /etc/passwd: field 3 is no id: "-1"`},
		{"NUL", "a", "a:x:1:2::/\x00:\n", "", `<manifest>: user "a": line 1 of the root's /etc/passwd: NUL in the home directory`},
		{"no table at all", "a", strings.Repeat("\xff", 100) + "\n" + strings.Repeat("b", 33) + ":\n", "",
			"<manifest>: user \"a\": the root's /etc/passwd has no user \"a\"\n  it has \"" + strings.Repeat(`\xff`, 32) + "\", \"" + strings.Repeat("b", 32) + `"`},
		{"control characters", "a", "\x1b[2J:x:1:2\n", "", "<manifest>: user \"a\": the root's /etc/passwd has no user \"a\"\n  it has \"\\x1b[2J\""},
	} {
		if diff := cmp.Diff(c.want, resolve(t, c.user, c.passwd, c.group)); diff != "" {
			t.Errorf("%s: -want +got\n%s", c.what, diff)
		}
	}
}

// Of many names a message lists the first.
func TestManyNames(t *testing.T) {
	var passwd bytes.Buffer
	for i := range 1000 {
		fmt.Fprintf(&passwd, "user%d:x:%d:1::/:\n", i, i)
	}
	got := resolve(t, "nobody", passwd.String(), "")
	if want := `"user11" and 988 more`; !strings.HasSuffix(got, want) {
		t.Errorf("got %s, want it to end in %s", got, want)
	}
}

// Neither a long file nor a long line takes much memory.
func TestLongFiles(t *testing.T) {
	want := `<manifest>: user "a": read /etc/passwd of the root: larger than 1 MiB`
	if got := resolve(t, "a", strings.Repeat("b\n", mostRead/2)+"\n", ""); got != want {
		t.Errorf("got %.200s, want %s", got, want)
	}
	var before, after runtime.MemStats
	long := strings.Repeat("b", mostRead)
	runtime.ReadMemStats(&before)
	resolve(t, "c", long, "")
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > 16*mostRead {
		t.Errorf("got %d bytes for a line of 1 MiB, want 16 MiB at most", got)
	}
}

// Linux allows a process so many groups.
func TestTooManyGroups(t *testing.T) {
	var group bytes.Buffer
	for i := range maxGroups {
		fmt.Fprintf(&group, "g::%d:a\n", i+1)
	}
	want := `<manifest>: user "a": 65537 groups, Linux allows 65536`
	if got := resolve(t, "a", "a:x:1:0::/:\n", group.String()); got != want {
		t.Errorf("got %.200s, want %s", got, want)
	}
}

// FuzzResolve holds that a plan for the stub can be read back.
func FuzzResolve(f *testing.F) {
	f.Add("app", "root:x:0:0:root:/root:/bin/sh\napp:x:1000:100:,,,:/home/app:\n", "video:x:44:app\n")
	f.Add("1000:video", "", "video:x:44:app\n")
	f.Fuzz(func(t *testing.T, user, passwd, group string) {
		p := &bootplan.Plan{}
		i := manifests.Init{User: &manifests.Account{Name: user}, Supervise: &manifests.Supervise{}}
		if Resolve(p, i, root(t, map[string]string{"/etc/passwd": passwd, "/etc/group": group}), func(string) {}) != nil {
			return
		}
		again, err := bootplan.Parse(p.Marshal())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p.User, again.User); diff != "" {
			t.Errorf("user: -want +got\n%s", diff)
		}
		if diff := cmp.Diff(p.Groups, again.Groups); diff != "" {
			t.Errorf("groups: -want +got\n%s", diff)
		}
	})
}
