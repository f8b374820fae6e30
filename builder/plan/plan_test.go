package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMake(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"nothing", ``, `
1 / dir 0755
`},
		{"parents are made", `
file /a/b/c owner=7:8 mtime=5
file /a/d`, `
1 / dir 0755
2 /a dir 0755
3 /a/b dir 0755
4 /a/b/c file 0644 owner=7:8 mtime=5
5 /a/d file 0644
`},
		{"order is that of bytes, parents first", `
file /a/b
file /a-b
dir /a
file /a-b.d/c`, `
1 / dir 0755
2 /a dir 0755
3 /a-b file 0644
4 /a-b.d dir 0755
5 /a-b.d/c file 0644
6 /a/b file 0644
`},
		{"every type", `
block /b 8:1
char /c 1:3 0666
fifo /f
link /l to/there
socket /s`, `
1 / dir 0755
2 /b block 0600 8:1
3 /c char 0666 1:3
4 /f fifo 0644
5 /l link 0777 -> to/there
6 /s socket 0755
`},
		{"the root is not what a tree's top is", `
root 0750
dir / 0700 owner=1000:1000 mtime=7 implied`, `
1 / dir 0750
`},
		{"the root as asked for", `
root 0750
dir / 01777 owner=1:2`, `
1 / dir 1777 owner=1:2
`},
		{"default nodes", `nodes`, `
1 / dir 0755
2 /dev dir 0755
3 /dev/console char 0600 5:1
4 /dev/null char 0666 1:3
`},
		{"default nodes give way, survive remove, obey permit", `
nodes
char /dev/console 4:64
file /dev/x
remove /dev/x
remove /dev/n* optional
permit /dev/* gid=5`, `
1 / dir 0755
2 /dev dir 0755
3 /dev/console char 0600 owner=0:5 4:64
4 /dev/null char 0666 owner=0:5 1:3
warning: m:2: /dev/console is a character device 4:64 and not 5:1, which programs look for there
`},
		{"default nodes take the place of what came along", `
nodes
file /dev/console brought
dir /dev/null brought
file /dev/null/x brought`, `
1 / dir 0755
2 /dev dir 0755
3 /dev/console char 0600 5:1
4 /dev/null char 0666 1:3
warning: m:2: /dev/console is a file and not the device 5:1, which takes its place
warning: m:3: /dev/null is a directory and not the device 1:3, which takes its place
`},
		{"names of a file that gives way stay", `
nodes
link /dev run/dev brought
file /run/dev/null brought data=x
hard /a /run/dev/null
char /dev/console 5:1 0666 brought`, `
1 / dir 0755
2 /a file 0644 size=1 data=x
3 /dev link 0777 -> run/dev
4 /run dir 0755
5 /run/dev dir 0755
6 /run/dev/console char 0666 5:1
7 /run/dev/null char 0666 1:3
warning: m:3: /run/dev/null is a file and not the device 1:3, which takes its place
`},

		// Whiteouts.
		{"a whiteout hides what stands before its archive, with all below it", `
file /a
dir /d
file /d/x
file /d-x
file /a src=2
dir /a src=2 hides
dir /d src=2 hides
dir /nothing src=2 hides
file /d/later`, `
1 / dir 0755
2 /a file 0644
3 /d dir 0755
4 /d-x file 0644
5 /d/later file 0644
`},
		{"an opaque directory hides what is in it before", `
dir /d 0700
dir /d/s
file /d/s/x
dir /d 0755 src=2 implied
dir /d src=2 opaque
file /d/y src=2
dir / src=3 opaque
file /z src=3`, `
1 / dir 0755
2 /z file 0644
`},
		{"an opaque directory stays itself", `
dir /d 0700
dir /d/s
file /d/s/x
file /d/y src=2
dir /d src=2 opaque`, `
1 / dir 0755
2 /d dir 0700
3 /d/y file 0644
`},
		{"whiteouts follow the links that stand before them", `
link /bin usr/bin
file /bin/x
file /bin/y
dir /usr/bin/x src=2 hides
dir /bin/y src=2 hides`, `
1 / dir 0755
2 /bin link 0777 -> usr/bin
`},
		{"a link that is hidden leads nowhere any more", `
link /bin usr/bin
file /bin/x
dir /bin src=2 hides
dir /bin src=2 implied
file /bin/y src=2`, `
1 / dir 0755
2 /bin dir 0755
3 /bin/y file 0644
4 /usr dir 0755
5 /usr/bin dir 0755
6 /usr/bin/x file 0644
`},
		{"of a file that is hidden the other names stay", `
file /a data=content src=1
hard /b /a src=1
hard /c /b src=1
hard /d /a src=1
dir /a src=2 hides
dir /b src=2 hides`, `
1 / dir 0755
2 /c file 0644 size=7 data=content nlink=2
2 /d file 0644 size=7 nlink=2 first=/c
`},
		{"a hard link of the layer to what it hides", `
file /a
dir /a src=2 hides
hard /b /a src=2`, `
m:3: /b: its target /a is not in the image
`},
		{"default nodes follow a link", `
nodes
link /dev run/dev`, `
1 / dir 0755
2 /dev link 0777 -> run/dev
3 /run dir 0755
4 /run/dev dir 0755
5 /run/dev/console char 0600 5:1
6 /run/dev/null char 0666 1:3
`},

		// Symbolic links.
		{"usr-merge, the link last", `
file /bin/sh
dir /bin 0700 implied
dir /usr/bin 0711
link /bin usr/bin`, `
1 / dir 0755
2 /bin link 0777 -> usr/bin
3 /usr dir 0755
4 /usr/bin dir 0711
5 /usr/bin/sh file 0644
`},
		{"usr-merge, the link first, target not there yet", `
link /bin /usr/bin
dir /bin 0711
file /bin/sh`, `
1 / dir 0755
2 /bin link 0777 -> /usr/bin
3 /usr dir 0755
4 /usr/bin dir 0711
5 /usr/bin/sh file 0644
`},
		{"links through links, also to links that move", `
file /a/l/x/y
link /a b
link /a/l ../c/./d
link /c e
link /e/d/x /z`, `
1 / dir 0755
2 /a link 0777 -> b
3 /b dir 0755
4 /b/l link 0777 -> ../c/./d
5 /c link 0777 -> e
6 /e dir 0755
7 /e/d dir 0755
8 /e/d/x link 0777 -> /z
9 /z dir 0755
10 /z/y file 0644
`},
		{"links that move each other", `
link /p/q /
link /p/q/p /w
file /p/q/x`, `
m:2: /p/q/p: symbolic links move each other without end
`},
		{"a link nothing is put through may lead anywhere", `
link /a /a
link /b ../../x
link /c nowhere`, `
1 / dir 0755
2 /a link 0777 -> /a
3 /b link 0777 -> ../../x
4 /c link 0777 -> nowhere
`},
		{"a directory that replaces a link", `
link /var/run /run
dir /var/run replace
file /var/run/x`, `
1 / dir 0755
2 /var dir 0755
3 /var/run dir 0755
4 /var/run/x file 0644
`},
		{"a tree's directory does not replace a link", `
link /bin usr/bin
dir /bin implied replace
file /bin/x replace`, `
1 / dir 0755
2 /bin link 0777 -> usr/bin
3 /usr dir 0755
4 /usr/bin dir 0755
5 /usr/bin/x file 0644
`},
		{"a link that replaces a directory", `
dir /bin 0700
link /bin usr/bin replace
file /bin/x`, `
1 / dir 0755
2 /bin link 0777 -> usr/bin
3 /usr dir 0755
4 /usr/bin dir 0755
5 /usr/bin/x file 0644
`},
		{"loops and ways out", `
link /a b
link /b a
file /a/x
link /c ../d
file /c/x
hard /h /a/y
dir /a`, `
m:3: /a/x: too many symbolic links, at /a -> b
m:5: /c/x: leads out of the root through /c -> ../d
m:6: /h: too many symbolic links, at /a -> b
m:7: /a: too many symbolic links, at /a -> b
`},
		{"a path through what is no directory", `
file /a
file /a/b
file /a/c
link /l a
file /l/d
dir /l`, `
m:2: /a/b: /a is a file, added at m:1
m:6: /l (/a in the image): already added at m:1
  add "replace: true" here if this one is to win
`},

		// One path, several entries.
		{"in one archive the last one wins", `
dir /d 0700 implied src=1
file /f data=old src=1
file /t src=1
dir /d 0711 implied src=1
file /f data=newer src=1
link /t f src=1`, `
1 / dir 0755
2 /d dir 0711
3 /f file 0644 size=5 data=newer
4 /t link 0777 -> f
`},
		{"in one archive the last one wins where links lead", `
link /lib usr/lib src=1
file /lib/x data=1 src=1
file /usr/lib/x data=22 src=1`, `
1 / dir 0755
2 /lib link 0777 -> usr/lib
3 /usr dir 0755
4 /usr/lib dir 0755
5 /usr/lib/x file 0644 size=2 data=22
`},
		{"in one archive a directory replaced by a link is gone", `
dir /a 0700 implied src=1
link /a b src=1
file /a/x src=1`, `
1 / dir 0755
2 /a link 0777 -> b
3 /b dir 0755
4 /b/x file 0644
`},
		{"in one archive a link replaced by a directory is gone", `
link /a b src=1
dir /a 0700 implied src=1
file /a/x src=1`, `
1 / dir 0755
2 /a dir 0700
3 /a/x file 0644
`},
		{"what gives way does so before and behind others, also through links, and to a directory", `
link /bin usr/bin
link /bin/a /b givesway
file /usr/bin/a data=real
dir /usr/bin/d
hard /bin/d /b givesway
file /b`, `
1 / dir 0755
2 /b file 0644
3 /bin link 0777 -> usr/bin
4 /usr dir 0755
5 /usr/bin dir 0755
6 /usr/bin/a file 0644 size=4 data=real
7 /usr/bin/d dir 0755
warning: m:2: links that give way to other entries: /bin/a (/usr/bin/a in the image)
warning: m:5: links that give way to other entries: /bin/d (/usr/bin/d in the image)
`},
		{"two that give way collide, unless they are one link", `
link /a /x givesway
link /a /x givesway
link /b /x givesway
link /b /y givesway`, `
m:4: /b: already added at m:3
  add "replace: true" here if this one is to win
`},
		{"what gives way and replaces wins over earlier entries only", `
file /a
link /a /x givesway replace
link /b /x givesway replace
file /b replace
link /c /x givesway replace
file /c`, `
m:6: /c: already added at m:5
  add "replace: true" here if this one is to win
warning: m:3: links that give way to other entries: /b
`},
		{"directories merge: of implied ones the first, an explicit one anyway", `
dir /tmp 01777 implied
dir /tmp 0755 implied
dir /a 0700 implied
dir /a 0711
dir /a 0755 implied
dir /b 0700
dir /b 0700
dir /c 0700
dir /c 0750 replace`, `
1 / dir 0755
2 /a dir 0711
3 /b dir 0700
4 /c dir 0750
5 /tmp dir 1777
`},
		{"replace", `
file /a data=old
file /a data=newer replace
dir /d
file /d replace
file /e
dir /e implied replace
file /e/x`, `
1 / dir 0755
2 /a file 0644 size=5 data=newer
3 /d file 0644
4 /e dir 0755
5 /e/x file 0644
`},
		{"replacing a directory with what is in it", `
file /d/x
dir /d implied
file /d replace
file /e/x
dir /e implied
file /e replace
remove /e/*`, `
m:1: /d/x: /d is a file, added at m:3
  a directory can only be replaced together with all that is in it
`},
		{"collisions", `
file /a
file /a
link /bin usr/bin
file /usr/bin/sh
link /bin/sh dash
dir /d 0700
dir /d 0711
dir / 0700
dir / 0711
file /e replace
file /e`, `
m:2: /a: already added at m:1
  add "replace: true" here if this one is to win
m:5: /bin/sh (/usr/bin/sh in the image): already added at m:4
  add "replace: true" here if this one is to win
m:7: /d: a directory with other metadata was already added at m:6
  add "replace: true" here if this one is to win
m:9: /: a directory with other metadata was already added at m:8
  add "replace: true" here if this one is to win
m:11: /e: already added at m:10
  add "replace: true" here if this one is to win
`},

		// Hard links.
		{"hard links", `
hard /a /b
hard /b /usr/c
file /usr/c 0755 owner=1:2 mtime=3 data=xyz
hard /z /a`, `
1 / dir 0755
2 /a file 0755 owner=1:2 mtime=3 size=3 data=xyz nlink=4
2 /b file 0755 owner=1:2 mtime=3 size=3 nlink=4 first=/a
3 /usr dir 0755
2 /usr/c file 0755 owner=1:2 mtime=3 size=3 nlink=4 first=/a
2 /z file 0755 owner=1:2 mtime=3 size=3 nlink=4 first=/a
`},
		{"hard links resolve, to nodes and to symbolic links", `
link /bin usr/bin
file /usr/bin/busybox
hard /bin/sh /bin/busybox
char /tty 5:0
hard /tty2 /tty
hard /bin2 /bin`, `
1 / dir 0755
2 /bin link 0777 -> usr/bin
3 /bin2 link 0777 -> usr/bin
4 /tty char 0600 5:0 nlink=2
4 /tty2 char 0600 5:0 nlink=2 first=/tty
5 /usr dir 0755
6 /usr/bin dir 0755
7 /usr/bin/busybox file 0644 nlink=2
7 /usr/bin/sh file 0644 nlink=2 first=/usr/bin/busybox
`},
		{"hard links to what cannot be", `
hard /a /b
hard /b /a
hard /c /c
hard /d /dir
dir /dir
hard /sh /bin/busybox
file /usr/busybox
hard /sh2 /sh
hard /x /nowhere`, `
m:2: /b: its target /a is a hard link that leads back here
m:3: /c: its target /c is a hard link that leads back here
m:4: /d: its target /dir is a directory, which has one name only
m:6: /sh: its target /bin/busybox is not in the image
  did you mean /usr/busybox?
m:9: /x: its target /nowhere is not in the image
`},

		// Remove.
		{"remove", `
file /usr/share/man/man1/ls
file /usr/share/man/man1.gz
file /usr/share/doc/x
file /usr/share/docs
file /usr/lib/a.a
file /usr/lib/sub/.b.a
file /usr/lib/c.so
remove /usr/share/man/**
remove /usr/share/doc
remove /**/*.a`, `
1 / dir 0755
2 /usr dir 0755
3 /usr/lib dir 0755
4 /usr/lib/c.so file 0644
5 /usr/share dir 0755
6 /usr/share/docs file 0644
`},
		{"remove leaves directories that were asked for", `
dir /a/b
file /a/b/c
remove /a/b/**`, `
1 / dir 0755
2 /a dir 0755
3 /a/b dir 0755
`},
		{"remove leaves the other names", `
file /a data=x
hard /b /a
hard /c /a
remove /a`, `
1 / dir 0755
2 /b file 0644 size=1 data=x nlink=2
2 /c file 0644 size=1 nlink=2 first=/b
`},
		{"remove through links, once is enough", `
link /bin usr/bin
file /usr/bin/x
file /usr/bin/y
remove /bin/x
remove /bin/x
remove /bin/[y]
remove /b\in`, `
1 / dir 0755
`},
		{"remove what is too much for the image", `
file /core size=5000000000
remove /core`, `
1 / dir 0755
`},
		{"globs that do not work", `
file /a/b
link /l /l
remove /c/*
remove /c/** optional
permit /a/?? mode=0600
remove a/b
remove /[
remove /
remove /l/*
remove /x/b`, `
m:3: /c/*: matches nothing
  write {path: "/c/*", optional: true} if it may match nothing
m:5: /a/??: matches nothing
  add optional: true if it may match nothing
m:6: a/b: not an absolute, well-formed pattern
m:7: /[: not an absolute, well-formed pattern
m:8: /: the root stays
m:9: /l/*: too many symbolic links, at /l -> /l
m:10: /x/b: matches nothing
  did you mean /a/b?
  write {path: "/x/b", optional: true} if it may match nothing
`},

		// Permissions.
		{"permissions", `
file /s/key 0644
dir /s/d
dir /s
link /s/l d
file /s/suid 0755
permit /s/** mode=0640 uid=1 gid=2
permit /s mode=0700 mtime=9
permit /s/suid mode=04755
permit /s/d dirmode=01777`, `
1 / dir 0755
2 /s dir 0700 mtime=9
3 /s/d dir 1777 owner=1:2
4 /s/key file 0640 owner=1:2
5 /s/l link 0777 owner=1:2 -> d
6 /s/suid file 4755 owner=1:2
`},
		{"permissions of directories", `
dir /a
dir /b
file /c
permit /* mode=0644
permit /b mode=0600 dirmode=0604
permit /c dirmode=0777`, `
1 / dir 0755
2 /a dir 0755
3 /b dir 0604
4 /c file 0644
`},
		{"permissions of all names and of made directories", `
file /a/x
hard /b/x /a/x
permit /b mode=0700
permit /b/x mode=0400 uid=7
permit / gid=3`, `
1 / dir 0755 owner=0:3
2 /a dir 0755
3 /a/x file 0400 owner=7:0 nlink=2
4 /b dir 0700
3 /b/x file 0400 owner=7:0 nlink=2 first=/a/x
`},
		{"extended attributes", `
file /a/x user.a=1 security.capability=2
hard /b/x /a/x
dir /a trusted.a=1
dir /a trusted.a=1
link /l x
permit /a/x trusted.b=3 user.a=4
permit /* user.c=5 trusted.c=6`, `
1 / dir 0755
2 /a dir 0755 trusted.a=1 trusted.c=6 user.c=5
3 /a/x file 0644 security.capability=2 trusted.b=3 user.a=4 nlink=2
4 /b dir 0755 trusted.c=6 user.c=5
3 /b/x file 0644 security.capability=2 trusted.b=3 user.a=4 nlink=2 first=/a/x
5 /l link 0777 -> x trusted.c=6
`},
		{"extended attributes that cannot be", `
dir /a trusted.a=1
dir /a trusted.a=2
link /l x user.a=1
link /m x system.posix_acl_access=1
char /c 1:3 user.a=1
dir /d security.capability=1
file /e system.nfs4_acl=1
permit /l security.capability=1
permit /none security.capability=1 optional`, `
m:2: /a: a directory with other metadata was already added at m:1
  add "replace: true" here if this one is to win
m:3: /l: user.a on a symbolic link, which Linux does not take
m:4: /m: system.posix_acl_access on a symbolic link, which Linux does not take
m:5: /c: user.a on a character device, which Linux does not take
m:6: /d: security.capability on a directory, which Linux does not take
m:7: /e: "system.nfs4_acl" is no extended attribute that an image can carry
m:8: /l: nothing that matches can have security.capability: capabilities are for regular files, user.* for files and directories
`},

		// Bounds.
		{"what does not fit", `
file /big size=4294967296
file /largest size=4294967295
file /old mtime=-1
file /late mtime=4294967296
file /latest mtime=4294967295
char /c 4096:0
char /d 0:1048576
char /e 4095:1048575
file /.mkinitfs/x
dir /.mkinitfs
file /TRAILER!!!
file /d2/TRAILER!!!
link /empty
file relative
file /un//clean
hard /h h
file /
file /setuid 0200000`, `
m:1: /big: a file of 4294967296 bytes, where newc holds 4294967295 at most
m:3: /old: modification time -1 is outside 1970-01-01 .. 2106-02-07, all that newc holds
m:4: /late: modification time 4294967296 is outside 1970-01-01 .. 2106-02-07, all that newc holds
m:6: /c: device 4096:0, where Linux takes 4095:1048575 at most
m:7: /d: device 0:1048576, where Linux takes 4095:1048575 at most
m:9: /.mkinitfs/x: a name that the image needs for itself
m:10: /.mkinitfs: a name that the image needs for itself
m:11: /TRAILER!!!: the name that ends an archive
m:13: /empty: a symbolic link without a target
m:14: relative: not an absolute, clean path
m:15: /un//clean: not an absolute, clean path
m:16: /h: not an absolute, clean path
m:17: /: the root is a directory, not a file
m:18: /setuid: mode 0300000 has unknown bits
`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			entries, options := parse(t, test.in)
			got, warned := "", ""
			options.Warn = func(text string) { warned += "warning: " + text + "\n" }
			if plan, err := Make(entries, options); err != nil {
				got = err.Error() + "\n"
			} else {
				got = format(plan, strings.Contains(test.in, "nodes"))
			}
			got += warned
			if diff := cmp.Diff(strings.TrimPrefix(test.want, "\n"), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
