package source

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/lint"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/elftest"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// TestLibraries checks where libraries land in roots whose links differ from those of the
// sysroot. A word of want is a path, with "->" and the target of a link. The mode is that of a
// file that does not have 0644.
func TestLibraries(t *testing.T) {
	elf := func(f elftest.File) string { return string(f.Bytes()) }
	const glibc, musl = "/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"
	program := elf(elftest.File{Interpreter: glibc, Needed: []string{"liba.so.1"}})
	plain := elf(elftest.File{})
	loader := plain + "\x00/lib/\x00/usr/lib/\x00"
	for _, c := range []struct {
		name     string
		contents string            // items before the program
		program  string            // "" is one for glibc
		sys      map[string]string // files of the sysroot
		links    map[string]string // its links
		remove   string
		want     string
		warnings string
	}{
		{
			name: "the same links", sys: map[string]string{"usr/lib64/ld-linux-x86-64.so.2": loader, "usr/lib/liba.so.1.2": plain},
			links: map[string]string{"lib": "usr/lib", "lib64": "usr/lib64", "usr/lib/liba.so.1": "liba.so.1.2"},
			want:  "/lib->usr/lib /lib64->usr/lib64 /usr/lib/liba.so.1->liba.so.1.2 /usr/lib/liba.so.1.2 /usr/lib64/ld-linux-x86-64.so.2 0755",
		},
		{
			name: "links in the sysroot, directories in the root", contents: "{type: dir, dst: /lib}, {type: dir, dst: /lib64}, ",
			sys:   map[string]string{"usr/lib64/ld-linux-x86-64.so.2": loader, "usr/lib/liba.so.1": plain},
			links: map[string]string{"lib": "usr/lib", "lib64": "usr/lib64"},
			want:  "/lib/liba.so.1 /lib64/ld-linux-x86-64.so.2 0755",
		},
		{
			name: "links in the root, directories in the sysroot", contents: "{type: symlink, dst: /lib, target: usr/lib}, {type: symlink, dst: /lib64, target: lib}, ",
			sys: map[string]string{"lib64/ld.so": loader, "lib/liba.so.1": plain}, links: map[string]string{"lib64/ld-linux-x86-64.so.2": "/lib64/ld.so"},
			want: "/usr/lib/ld-linux-x86-64.so.2->/lib64/ld.so /usr/lib/ld.so 0755 /usr/lib/liba.so.1",
		},
		{
			name: "a link in the root that leads to the library to come", contents: "{type: symlink, dst: /lib/liba.so.1, target: liba.so.1.9}, ",
			sys:  map[string]string{"lib64/ld-linux-x86-64.so.2": loader, "lib/liba.so.1": plain},
			want: "/lib/liba.so.1.9 /lib64/ld-linux-x86-64.so.2 0755",
		},
		{
			name: "links that leave the sysroot", sys: map[string]string{"lib64/ld-linux-x86-64.so.2": loader, "lib/real": plain},
			links: map[string]string{"lib/liba.so.1": "../../../lib/real"},
			want:  "/lib/liba.so.1->../../../lib/real /lib/real /lib64/ld-linux-x86-64.so.2 0755",
		},
		{
			name: "what is removed is brought and removed again", contents: "{type: file, dst: /lib/liba.so.1, content: x}, ", remove: "/lib/liba.so.1",
			sys:  map[string]string{"lib64/ld-linux-x86-64.so.2": loader, "lib/liba.so.1": plain},
			want: "/lib/liba.so.1 /lib64/ld-linux-x86-64.so.2 0755",
		},
		{
			name: "musl, with its path file", program: elf(elftest.File{Interpreter: musl, Needed: []string{"liba.so.1", "libc.so"}}),
			sys:  map[string]string{"lib/ld-musl-x86_64.so.1": plain, "etc/ld-musl-x86_64.path": "/opt\n", "opt/liba.so.1": plain},
			want: "/etc/ld-musl-x86_64.path /lib/ld-musl-x86_64.so.1 0755 /opt/liba.so.1",
		},
		{
			name: "a cache", sys: map[string]string{"lib64/ld-linux-x86-64.so.2": loader, "opt/liba.so.1": plain, "etc/ld.so.conf": "/opt"},
			want: "/etc/ld.so.cache /lib64/ld-linux-x86-64.so.2 0755 /opt/liba.so.1",
		},
		{
			name: "a loader without directories", sys: map[string]string{"lib64/ld-linux-x86-64.so.2": plain, "usr/lib64/liba.so.1": plain},
			want:     "/lib64/ld-linux-x86-64.so.2 0755 /usr/lib64/liba.so.1",
			warnings: "m.yaml:4:1: /p: its loader, /lib64/ld-linux-x86-64.so.2, has no list of directories: libraries are searched in /lib, /usr/lib, /lib64, /usr/lib64",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			program := program
			if c.program != "" {
				program = c.program
			}
			tree := map[string]string{"p": program}
			for name, text := range c.sys {
				tree["sys/"+name] = text
			}
			for name, target := range c.links {
				tree["sys/"+name] = "-> " + target
			}
			dir := files(t, tree)
			for name := range c.sys {
				mode := os.FileMode(0o600)
				if c.sys[name] == loader || strings.Contains(name, "/ld-") && !strings.HasPrefix(name, "etc") {
					mode = 0o711
				}
				chmod(t, mode, dir, "sys/"+name)
			}
			m, err := manifests.Parse([]byte("version: 1\nsysroot: sys\ncontents: ["+c.contents+"{type: file, src: p, dst: /p, libs:\ntrue}]\n"),
				manifests.Options{File: "m.yaml", Dir: dir})
			if err != nil {
				t.Fatal(err)
			}
			var warnings []string
			env := &Env{Warn: func(text string) { warnings = append(warnings, text) }}
			var entries []*plan.Entry
			for _, item := range m.Contents {
				more, err := ask(t, env, item)
				if err != nil {
					t.Fatal(err)
				}
				entries = append(entries, more...)
			}
			before := len(entries)
			var o plan.Options
			if c.remove != "" {
				o.Remove = []plan.Glob{{Pattern: c.remove}}
			}
			env.Fakeroot = "fakeroot" // modes and owners of a sysroot do not count
			entries, err = AddLibraries(t.Context(), env, m, entries, o, lint.Tree)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, e := range entries[before:] {
				word := e.Path
				switch {
				case e.IsLink():
					word += "->" + e.Target
				case e.Mode != plan.TypeFile|0o644:
					word += fmt.Sprintf(" %04o", e.Mode&0o7777)
				}
				got = append(got, word)
			}
			slices.Sort(got)
			if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("entries (-want +got):\n%s", diff)
			}
			if got := strings.Join(warnings, "\n"); got != c.warnings {
				t.Errorf("got warnings %q, want %q", got, c.warnings)
			}
		})
	}
}
