package accounts

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/lint"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

func id(n uint32) *uint32 { return &n }

// admin is a user with everything.
var admin = manifests.Accounts{
	Groups: []manifests.Group{{Name: "video", GID: id(44)}},
	Users: []manifests.User{{
		Name: "admin", UID: id(1000), Home: "/home/admin", Shell: "/bin/ash", Password: "*", Groups: []manifests.Account{{Name: "video"}},
	}},
}

// writeTo writes the accounts into a root and returns its files.
func writeTo(t testing.TB, a manifests.Accounts, files map[string]string) (map[string]string, error) {
	t.Helper()
	entries := root(t, files)
	if err := write(&a, entries, func(string) {}); err != nil {
		return nil, err
	}
	after := map[string]string{}
	for path := range files {
		text, err := lint.Planned(entries).Read(path)
		if err != nil {
			t.Fatal(err)
		}
		after[path] = string(text)
	}
	return after, nil
}

// A second build on the result of the first changes nothing.
func TestWriteTwice(t *testing.T) {
	first, err := writeTo(t, admin, map[string]string{passwdPath: "root:x:0:0::/:", groupPath: "", shadowPath: "root:*:1::::::"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		passwdPath: "root:x:0:0::/:\nadmin:x:1000:1000::/home/admin:/bin/ash\n",
		groupPath:  "video:x:44:admin\nadmin:x:1000:\n",
		shadowPath: "root:*:1::::::\nadmin:*::0:99999:7:::\n",
	}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	second, err := writeTo(t, admin, first)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("the second time: -want +got\n%s", diff)
	}
}

// All names of a file are its new content.
func TestWriteHardLink(t *testing.T) {
	data := plan.Data{At: strings.NewReader("")}
	entries, err := plan.Make([]*plan.Entry{
		{Path: "/a", Mode: plan.TypeFile, Data: data},
		{Path: groupPath, Target: "/a", HardLink: true},
		{Path: "/z", Target: "/a", HardLink: true},
	}, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := write(&manifests.Accounts{Groups: admin.Groups}, entries, func(string) {}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/a", groupPath, "/z"} {
		if e := plan.Find(entries, path); e.Size != int64(len("video:x:44:\n")) || e.Content().At == data.At {
			t.Errorf("%s: got size %d, want that of the new content", path, e.Size)
		}
	}
}

// FuzzWrite holds that the lines of others stay, and that a user who is added is found.
func FuzzWrite(f *testing.F) {
	f.Add("root:x:0:0:root:/root:/bin/sh\n", "root:x:0:\nvideo:x:44:a,b\n", "root:!:1:0:99999:7:::\n")
	f.Add("admin:x:1000:100:,,,:/home/app:\n", "video:x:44\n", "admin\n#\n\n")
	f.Add("root:x:0:0::/:\n", "old:x:44\nvideo:x:44\n", "")
	named := admin
	named.Users = slices.Clone(admin.Users)
	named.Users[0].GID = "video" // an admin of the root may have none
	f.Fuzz(func(t *testing.T, passwd, group, shadow string) {
		files := map[string]string{passwdPath: passwd, groupPath: group, shadowPath: shadow}
		written, err := writeTo(t, named, files)
		if err != nil {
			return
		}
		for path, text := range files {
			after := strings.Split(written[path], "\n")
			for line := range strings.Lines(text) {
				line = strings.TrimSuffix(line, "\n")
				name, _, _ := strings.Cut(strings.TrimSpace(line), ":")
				if name != "admin" && name != "video" && !slices.Contains(after, line) {
					t.Errorf("%s: got no line %q any more", path, line)
				}
			}
		}
		if got := resolve(t, "admin", written[passwdPath], written[groupPath]); !strings.HasPrefix(got, "1000:") || !strings.Contains(got, " /home/admin [") {
			t.Errorf("got the user %s", got)
		}
	})
}
