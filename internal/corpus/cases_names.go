package corpus

import "strings"

// pathMax is the kernel's PATH_MAX, which counts the closing NUL.
const pathMax = 4096

// long returns a path of n bytes to a name in etc.
func long(n int, name string) string {
	path := "etc/" + strings.Repeat("./", (n-len("etc/")-len(name))/2) + name
	if len(path) < n {
		path = strings.Replace(path, "/", "//", 1)
	}
	return path
}

func names() []Case {
	etc := dir("etc").at(5)
	end := file("etc/end", "the end\n").at(9)
	return []Case{
		matrix("plain", "An archive with some of everything, as any program writes it.", archive(
			etc, end,
			file("etc/empty", ""),
			file("etc/su", "program").perm(0o104755).own(0, 42),
			file("etc/sg", "program").perm(0o102755),
			file("etc/owned", "x").own(4294967294, 65534).perm(0o100000),
			file("etc/1970", "").at(1), file("etc/2038", "").at(1<<31-1), file("etc/2038-later", "").at(1<<31), file("etc/2106", "").at(1<<32-1),
			dir("tmp").perm(0o41777).at(7), dir("tmp/deep").own(3, 4).perm(0o42750),
			file("tmp/deep/large", strings.Repeat("0123456789abcde\n", 10000)),
			link("etc/link", "../tmp/deep").at(8).own(1, 2), link("etc/dangling", "/no/such thing"),
			node("etc/fifo", 0o10640).at(3), node("etc/socket", 0o140755).own(6, 7),
			device("etc/char", 0o20620, 4, 64).at(4), device("etc/block", 0o60660, 7, 200), device("etc/device-large", 0o20600, 4095, 1048575),
			file("etc/a name\nof two lines", "").at(6), file("etc/\xff\xfe", "not UTF-8"),
		)),
		matrix("targets", "A link's target ends at its first NUL; it may be empty, and has 4095 bytes at most.", archive(
			etc,
			link("etc/nul", "target\x00"), link("etc/nuls", "target\x00\x00\x00\x00"), link("etc/inner", "tar\x00get"), link("etc/inner-nul", "tar\x00get\x00"),
			link("etc/empty", ""), link("etc/only-nul", "\x00"), link("etc/first-nul", "\x00target"),
			link("etc/4094", strings.Repeat("a", 4094)), link("etc/4095", strings.Repeat("b", 4095)), link("etc/4095-nul", strings.Repeat("c", 4095)+"\x00"),
			link("etc/4096", strings.Repeat("d", 4096)), link("etc/4096-nul", strings.Repeat("e", 4096)+"\x00"),
			link("etc/4097", strings.Repeat("f", 4097)), link("etc/4097-inner", "target\x00"+strings.Repeat("g", 4090)),
			link("etc/70000", strings.Repeat("h", 70000)),
			file("etc/replaced", "by a link that cannot be made"), link("etc/replaced", strings.Repeat("i", 4096)),
			file("etc/kept", "beside a link that is skipped"), link("etc/kept", strings.Repeat("j", 4097)),
			link("etc/mode", "a").perm(0o120600), link("etc/setuid", "a").perm(0o127777),
			end,
		)),
		matrix("padded-names", "NULs behind a name, counted in its size, are no part of it.", archive(
			etc.padded(1), file("etc/one", "1").padded(1), file("etc/two", "2").padded(2), file("etc/three", "3").padded(3), file("etc/four", "4").padded(4),
			file("etc/big", strings.Repeat("x", 8192)).padded(3847), link("etc/link", "big").padded(500), node("etc/fifo", 0o10600).padded(77),
			file("etc/hard", "").ino(7, 2).padded(9), file("etc/hard2", "hard\n").ino(7, 2).padded(33),
			file("etc/4096", "a").padded(pathMax-len("etc/4096")-1), file("etc/4097", "b").padded(pathMax-len("etc/4097")),
			file("etc/inner\x00name", "the name ends at its NUL"), dir("etc/inner-dir\x00/x"),
			end, trailer().padded(117),
		)),
		matrix("odd-names", "Names are paths as system calls take them, from the root.", archive(
			dir(".").own(8, 9).perm(0o40711).at(4), dir("./etc").at(5), file("./etc/dot", "1"), file("/etc/absolute", "2"), file("//etc//slashes", "3"),
			dir("etc/a"), dir("etc/keep"), file("etc/keep/x", "x"), file("etc/a/../dots", "4"), file("../etc/above", "5"), file("etc/./middle", "6"), file("etc/keep/", "a directory with something is there"), dir("etc/gone"), file("etc/gone/", "takes the directory away"),
			dir("etc/slash/"), file("etc/file-slash/", "7"), link("etc/link-slash/", "a"), dir("etc/a/.").perm(0o40700), dir("etc/a/..").perm(0o40750),
			dir("usr"), dir("usr/lib"), link("lib", "usr/lib"), file("lib/through", "9"), dir("lib/dir"), link("loop", "loop"), file("loop/x", "10"),
			link("abs", "/usr"), file("abs/lib/absolute", "11"), link("up", "../../../usr"), file("up/above-root", "12"),
			link("dangling", "etc/made"), file("dangling", "over the link"), link("dangling-dir", "etc/nowhere"), file("dangling-dir/x", "13"),
			file("", "no name"), file("\x00", "no name either"), file("etc/end/x", "below a file"), end, file("etc/end/y", "below a file"),
		)),
		matrix("empty-names", "A directory without a name is the root, and a link without one sets the root's owner.", archive(
			dir("").own(4, 5).perm(0o40751).at(6), link("", "no name").own(7, 8), file("", "no name").own(9, 9), etc, end,
		)),
		matrix("node-for-root", "A node without a name sets mode and owner of the root.", archive(node("", 0o10700).own(4, 5), etc, end)),
		matrix("root-names", "The name / is the root's as well.", archive(dir("/").own(1, 1).at(6), file("/x", "x"), file("/", "is a directory").own(2, 2), file("..", "is a directory"), end, etc, end)),
		matrix("long-names", "A name has 4095 bytes at most, each of its parts 255.", archive(
			etc,
			file(long(4094, "4094"), "1"), file(long(4095, "4095"), "2"), file(long(4096, "4096"), "3"), file(long(4097, "4097"), "4"), file(long(5000, "5000"), "5"),
			dir(long(4095, "dir-4095")), dir(long(4096, "dir-4096")), link(long(4095, "link-4095"), "t"), link(long(4096, "link-4096"), "t"),
			node(long(4095, "fifo-4095"), 0o10600), node(long(4096, "fifo-4096"), 0o10600),
			file("etc/"+strings.Repeat("n", 255), "6"), file("etc/"+strings.Repeat("n", 256), "7"), dir("etc/"+strings.Repeat("d", 256)),
			file("", "a name of size 0").bareName(), dir("").bareName().own(1, 1), link("", "x").bareName().own(1, 1), end,
		)),
	}
}
