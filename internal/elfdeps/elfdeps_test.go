package elfdeps_test

import (
	"bytes"
	"debug/elf"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/elfdeps"
	"github.com/mkinitfs/mkinitfs/internal/elftest"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// files is a root in memory, by path.
type files map[string]string

type opened struct{ *strings.Reader }

func (opened) Close() error { return nil }

func (f files) Open(name string) (elfdeps.File, string, error) {
	name = path.Clean(name)
	text, ok := f[name]
	switch {
	case !ok:
		return nil, "", fs.ErrNotExist
	case text == "closed":
		return nil, "", fs.ErrPermission
	}
	return opened{strings.NewReader(text)}, name, nil
}

func (f files) List(name string) (names []string, place string) {
	for file := range f {
		if path.Dir(file) == path.Clean(name) {
			names = append(names, path.Base(file))
		}
	}
	slices.Sort(names)
	return names, path.Clean(name)
}

// made returns a file that needs libraries.
func made(f elftest.File, needed ...string) string {
	f.Needed = needed
	return string(f.Bytes())
}

// library and glibc's loader, as most tests have them.
var (
	plain  = string(elftest.File{}.Bytes())
	loader = plain + "\x00/lib/x86_64-linux-gnu/\x00/usr/lib/\x00/not/a/directory\x00"
)

func glibcProgram(needed ...string) string {
	return made(elftest.File{Interpreter: "/lib64/ld-linux-x86-64.so.2"}, needed...)
}

// resolved returns the libraries as PATH, with "+N" of a later root and "!" where the loader
// needs configuration for it; and missing ones as "NAME? DIRECTORIES (PROBLEM)".
func resolved(t *testing.T, also []string, roots ...files) string {
	t.Helper()
	var all []elfdeps.Root
	for _, r := range roots {
		all = append(all, r)
	}
	c, err := elfdeps.New(all...).Libraries("/p", also)
	if err != nil {
		return err.Error()
	}
	var words []string
	for _, lib := range c.Libraries {
		word := lib.Path
		if lib.Root > 0 {
			word += "+"
		}
		if lib.Config != "" {
			word += "!"
		}
		words = append(words, word)
	}
	for _, m := range c.Missing {
		word := m.Name + "? " + strings.Join(m.Searched, " ")
		for i, unfit := range m.Unfit {
			word += " (" + unfit.Path + " " + m.Why[i] + ")"
		}
		words = append(words, word)
	}
	if c.Guessed {
		words = append(words, "guessed")
	}
	if c.Config != "" {
		words = append(words, "with "+c.Config)
	}
	return strings.Join(words, ", ")
}

func TestLibraries(t *testing.T) {
	const ld, mld = "/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"
	const uld = "/lib/ld-uClibc.so.1"
	uclibc := func(f elftest.File, needed ...string) string {
		f.Interpreter = uld
		return made(f, needed...)
	}
	conf := func(text string) files {
		return files{"/etc/ld.so.conf": text, "/opt/v/libv.so": plain}
	}
	for _, c := range []struct {
		name string
		root files // with the program /p
		sys  files
		also []string
		want string
	}{
		{"static", files{"/p": plain}, nil, nil, ""},
		{"a script", files{"/p": "#!/bin/sh"}, nil, nil, elfdeps.ErrNotELF.Error()},
		{"an empty file", files{"/p": ""}, nil, nil, elfdeps.ErrNotELF.Error()},
		{"an unreadable file", files{"/p": "closed"}, nil, nil, fs.ErrPermission.Error()},
		{"no loader", files{"/p": glibcProgram("liba.so")}, nil, nil, ld + "? /lib64, liba.so? /lib /usr/lib /lib64 /usr/lib64, guessed"},
		{"an unknown loader", files{"/p": glibcProgram("liba.so"), ld: plain, "/usr/lib64/liba.so": plain}, nil, nil, ld + ", /usr/lib64/liba.so, guessed"},
		{"from the sysroot", files{"/p": glibcProgram("liba.so")}, files{ld: loader, "/usr/lib/liba.so": plain}, nil, ld + "+, /usr/lib/liba.so+"},
		{"the root satisfies", files{"/p": glibcProgram("liba.so"), "/usr/lib/liba.so": plain},
			files{ld: loader, "/lib/x86_64-linux-gnu/liba.so": plain}, nil, ld + "+, /usr/lib/liba.so"},
		{"the loader by name", files{"/p": glibcProgram("ld-linux-x86-64.so.2"), ld: loader}, nil, nil, ld},
		{"missing", files{"/p": glibcProgram("liba.so"), ld: loader}, files{}, nil, ld + ", liba.so? /lib/x86_64-linux-gnu /usr/lib"},
		{"unreadable", files{"/p": glibcProgram("liba.so"), ld: loader, "/usr/lib/liba.so": "closed"}, nil, nil,
			ld + ", liba.so? /lib/x86_64-linux-gnu /usr/lib (/usr/lib/liba.so cannot be read: permission denied)"},
		{"later", files{"/p": glibcProgram()}, files{ld: loader, "/usr/lib/liba.so": made(elftest.File{}, "libb.so"), "/usr/lib/libb.so": plain},
			[]string{"liba.so"}, ld + "+, /usr/lib/liba.so+, /usr/lib/libb.so+"},
		{"later by path", files{"/p": glibcProgram()}, files{ld: loader, "/opt/x.so": plain}, []string{"/opt/x.so"}, ld + "+, /opt/x.so+"},
		{"a library", files{"/p": made(elftest.File{Soname: "p.so"}, "liba.so")}, files{"/lib/ld-linux-x86-64.so.2": loader, mld: plain, "/usr/lib/liba.so": plain}, nil,
			"/lib/ld-linux-x86-64.so.2+, /usr/lib/liba.so+"},
		{"a library for musl", files{"/p": made(elftest.File{}, "libc.musl-x86_64.so.1", "liba.so")}, files{ld: loader, mld: plain, "/usr/local/lib/liba.so": plain}, nil,
			mld + "+, /usr/local/lib/liba.so+"},
		{"a library without a loader", files{"/p": made(elftest.File{}, "liba.so")}, files{"/lib/liba.so": plain}, nil, "/lib/liba.so+, guessed"},

		{"ld.so.conf", files{"/p": glibcProgram("libv.so"), ld: loader}, conf("# x\n/opt/v\n"), nil, ld + ", /opt/v/libv.so+!"},
		{"ld.so.conf, more", files{"/p": glibcProgram("libv.so"), ld: loader}, conf("hwcap 1 x\n/a:/b,/opt/v/=libc6 # x"), nil, ld + ", /opt/v/libv.so+!"},
		{"ld.so.conf of the root", files{"/p": glibcProgram("libv.so"), ld: loader, "/etc/ld.so.conf": "/opt/v", "/opt/v/libv.so": plain}, nil, nil, ld + ", /opt/v/libv.so!"},
		{"ld.so.conf, included", files{"/p": glibcProgram("libv.so"), ld: loader},
			files{"/etc/ld.so.conf": "include ld.d/*.conf\ninclude /etc/ld.so.conf", "/etc/ld.d/.x.conf": "/x", "/etc/ld.d/a.conf": "/opt/v", "/opt/v/libv.so": plain}, nil,
			ld + ", /opt/v/libv.so+!"},

		{"musl inside", files{"/p": made(elftest.File{Interpreter: mld}, "libc.so", "libm.so.6", "libcc.so"), mld: plain}, nil, nil,
			mld + ", libcc.so? /lib /usr/local/lib /usr/lib"},
		{"musl, path file of the sysroot", files{"/p": made(elftest.File{Interpreter: mld}, "liba.so")},
			files{mld: plain, "/etc/ld-musl-x86_64.path": "/opt:/x\n", "/opt/liba.so": plain}, nil, mld + "+, /opt/liba.so+, with /etc/ld-musl-x86_64.path"},
		{"musl, path file of the root", files{"/p": made(elftest.File{Interpreter: mld}, "liba.so"), "/etc/ld-musl-x86_64.path": "/y"},
			files{mld: plain, "/etc/ld-musl-x86_64.path": "/opt", "/opt/liba.so": plain}, nil, mld + "+, liba.so? /y"},

		{"uClibc, default directories", files{"/p": uclibc(elftest.File{}, "liba.so", "libb.so"), uld: plain, "/lib/liba.so": plain, "/usr/lib/libb.so": plain, "/lib64/liba.so": plain}, nil, nil,
			uld + ", /lib/liba.so, /usr/lib/libb.so"},
		{"uClibc, DT_RPATH and DT_RUNPATH", files{"/p": uclibc(elftest.File{RPath: "/r", RunPath: "/u"}, "liba.so", "libb.so"), uld: plain,
			"/r/liba.so": made(elftest.File{}, "libc.so"), "/u/liba.so": plain, "/lib/liba.so": plain, "/u/libb.so": plain, "/r/libc.so": plain}, nil, nil,
			uld + ", /r/liba.so, /u/libb.so, libc.so? /lib /usr/lib"}, // which liba.so does not inherit
		{"uClibc, $ORIGIN and $LIB", files{"/p": uclibc(elftest.File{RPath: "$ORIGIN/r:/$LIB"}, "liba.so", "libb.so"), uld: plain, "/r/liba.so": plain, "/$LIB/libb.so": plain}, nil, nil,
			uld + ", /r/liba.so, /$LIB/libb.so"},
		{"uClibc, $ORIGIN in DT_RUNPATH", files{"/p": uclibc(elftest.File{RPath: "${ORIGIN}/r", RunPath: "$ORIGIN/r:/u"}, "liba.so"), uld: plain, "/r/liba.so": plain, "/u/liba.so": plain}, nil, nil,
			uld + ", /u/liba.so"},
		{"uClibc, a path", files{"/p": uclibc(elftest.File{}, "/x/liba.so"), uld: plain, "/x/liba.so": plain}, nil, nil, uld + ", /x/liba.so"},
		{"uClibc, another machine", files{"/p": uclibc(elftest.File{RPath: "/r"}, "liba.so"), uld: plain, "/r/liba.so": made(elftest.File{Machine: elf.EM_AARCH64}), "/lib/liba.so": plain}, nil, nil,
			uld + ", /lib/liba.so"},
	} {
		sys := c.sys
		if sys == nil {
			sys = files{}
		}
		if got := resolved(t, c.also, c.root, sys); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
}

// TestMachines checks that a library for another machine, or another kind of float, is refused.
func TestMachines(t *testing.T) {
	machines := map[string]elftest.File{
		"amd64":                       {},
		"x32":                         {Class: elf.ELFCLASS32},
		"386":                         {Class: elf.ELFCLASS32, Machine: elf.EM_386},
		"arm64":                       {Machine: elf.EM_AARCH64},
		"arm64be":                     {Machine: elf.EM_AARCH64, Data: elf.ELFDATA2MSB},
		"arm, soft float":             {Class: elf.ELFCLASS32, Machine: elf.EM_ARM, Flags: 0x5000200},
		"arm, hard float":             {Class: elf.ELFCLASS32, Machine: elf.EM_ARM, Flags: 0x5000400},
		"mips":                        {Class: elf.ELFCLASS32, Machine: elf.EM_MIPS, Data: elf.ELFDATA2MSB},
		"mipsle":                      {Class: elf.ELFCLASS32, Machine: elf.EM_MIPS},
		"mipsle n32":                  {Class: elf.ELFCLASS32, Machine: elf.EM_MIPS, Flags: 0x20},
		"mips64le":                    {Machine: elf.EM_MIPS},
		"ppc64le":                     {Machine: elf.EM_PPC64, Flags: 2},
		"riscv64, double float":       {Machine: elf.EM_RISCV, Flags: 5},
		"riscv64, soft float":         {Machine: elf.EM_RISCV, Flags: 1},
		"s390x":                       {Machine: elf.EM_S390, Data: elf.ELFDATA2MSB},
		"loong64":                     {Machine: elf.EM_LOONGARCH, Flags: 0x43},
		"arm, of unknown kind, as BE": {Class: elf.ELFCLASS32, Machine: elf.EM_ARM, Data: elf.ELFDATA2MSB},
	}
	const ld = "/lib/ld.so.1"
	for _, program := range slices.Sorted(maps.Keys(machines)) {
		for _, library := range slices.Sorted(maps.Keys(machines)) {
			p, own := machines[program], string(machines[program].Bytes())
			p.Interpreter = ld
			root := files{"/p": made(p, "liba.so"), ld: own + "\x00/lib/\x00/usr/lib/\x00", "/lib/liba.so": string(machines[library].Bytes())}
			got := resolved(t, nil, root)
			if want := ld + ", /lib/liba.so"; (got == want) != (program == library) {
				t.Errorf("%s with a library for %s: got %s", program, library, got)
			}
		}
	}
}

// TestCacheIsRead checks what is taken from a cache, and that the resolver reads what it writes.
func TestCacheIsRead(t *testing.T) {
	const ld = "/lib64/ld-linux-x86-64.so.2"
	libraries := files{"/opt/v/libv.so": plain, "/opt/v/libw.so.2": plain, "/usr/lib/libv.so": plain}
	little := string(elfdeps.Cache(libraries, []string{"/opt/v", "/usr/lib"}))
	big := files{}
	for name := range libraries {
		big[name] = string(elftest.File{Machine: elf.EM_S390, Data: elf.ELFDATA2MSB}.Bytes())
	}
	old := "ld.so-1.7.0\x00\x01\x00\x00\x00" + strings.Repeat("x", 12) + "\x00\x00\x00\x00"
	for _, c := range []struct{ name, cache, want string }{
		{"none", "", "/usr/lib/libv.so, libw.so.2? /lib/x86_64-linux-gnu /usr/lib"},
		{"own", little, "/opt/v/libv.so, /opt/v/libw.so.2"},
		{"big-endian", string(elfdeps.Cache(big, []string{"/opt/v", "/usr/lib"})), "/opt/v/libv.so, /opt/v/libw.so.2"},
		{"behind the old format", old + little, "/opt/v/libv.so, /opt/v/libw.so.2"},
		{"cut", little[:60], "/usr/lib/libv.so, libw.so.2? /lib/x86_64-linux-gnu /usr/lib"},
		{"junk", strings.Repeat("\xff", 100), "/usr/lib/libv.so, libw.so.2? /lib/x86_64-linux-gnu /usr/lib"},
	} {
		root := maps.Clone(libraries)
		root["/p"], root[ld], root["/etc/ld.so.cache"] = glibcProgram("libv.so", "libw.so.2"), loader, c.cache
		if got := resolved(t, nil, root); got != ld+", "+c.want {
			t.Errorf("%s: got %s, want %s, %s", c.name, got, ld, c.want)
		}
	}
	// A program can ask for a file by a name that is not the library's own.
	odd := files{"/opt/v/plugin": made(elftest.File{Soname: "other.so"})}
	root := maps.Clone(odd)
	root["/p"], root[ld], root["/etc/ld.so.cache"] = glibcProgram("plugin"), loader, string(elfdeps.Cache(odd, []string{"/opt/v"}, "/opt/v/plugin"))
	if got, want := resolved(t, nil, root), ld+", /opt/v/plugin"; got != want {
		t.Errorf("another name: got %s, want %s", got, want)
	}
	if got := elfdeps.Cache(files{}, []string{"/lib"}); got != nil {
		t.Errorf("no libraries: got a cache of %d bytes, want none", len(got))
	}
}

// FuzzRead reads any file. It must not panic, and what it reads is bounded.
func FuzzRead(f *testing.F) {
	f.Add([]byte(glibcProgram("liba.so", "libb.so")))
	f.Add([]byte(made(elftest.File{Class: elf.ELFCLASS32, Machine: elf.EM_MIPS, Data: elf.ELFDATA2MSB, RPath: "$ORIGIN/x"}, "libc.so")))
	for _, name := range []string{"/usr/sbin/nft", "/usr/lib/x86_64-linux-gnu/libmnl.so.0", "/lib/ld-musl-x86_64.so.1"} {
		text, err := os.ReadFile(testenv.Sysroot(f, "amd64", false) + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := elfdeps.Read(bytes.NewReader(text))
		if err != nil {
			if !errors.Is(err, elfdeps.ErrNotELF) {
				t.Errorf("got error %v, want %v", err, elfdeps.ErrNotELF)
			}
			return
		}
		names := len(o.Interpreter) + len(o.Soname) + len(o.RPath) + len(o.RunPath)
		if names > 4*len(text) {
			t.Errorf("got %d bytes of names from a file of %d", names, len(text))
		}
	})
}

// FuzzResolve resolves with any loader, cache and configuration.
func FuzzResolve(f *testing.F) {
	f.Add([]byte(loader), elfdeps.Cache(files{"/lib/libv.so": plain}, []string{"/lib"}), []byte("include x/*\n/opt:/x # y\n"))
	f.Fuzz(func(t *testing.T, loader, cache, conf []byte) {
		root := files{
			"/p": glibcProgram("libv.so", "libw.so"), "/lib64/ld-linux-x86-64.so.2": string(loader),
			"/etc/ld.so.cache": string(cache), "/etc/ld.so.conf": string(conf), "/etc/x/y": string(conf),
		}
		c, err := elfdeps.New(root).Libraries("/p", []string{"libx.so"})
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Libraries)+len(c.Missing) < 3 {
			t.Errorf("got %+v, want every library found or missing", c)
		}
	})
}
