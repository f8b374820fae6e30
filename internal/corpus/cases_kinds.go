package corpus

func kinds() []Case {
	etc := dir("etc").at(5)
	end := file("etc/end", "the end\n").at(9)
	return []Case{
		matrix("bodies", "Only files and links have a body: other entries that have one are skipped.", archive(
			etc, dir("etc/dir").with("body"), file("etc/dir/x", "its parent is missing"), node("etc/fifo", 0o10600).with("body"), node("etc/socket", 0o140600).with("b"),
			device("etc/char", 0o20600, 1, 3).with("body"), device("etc/block", 0o60600, 7, 0).with("bodies"), node("etc/none", 0o600).with("body"),
			file("etc/kept", "a skipped entry replaces nothing"), node("etc/kept", 0o10600).with("body"), dir("etc").with("body").perm(0o40700).at(77), end,
		)),
		matrix("types", "An entry without a type, or of a type that is none, makes nothing and removes what it names.", archive(
			etc, node("etc/no-type", 0o644), node("etc/no-mode", 0),
			file("etc/file", "x"), node("etc/file", 0o644), link("etc/link", "x"), node("etc/link", 0o777), dir("etc/empty"), node("etc/empty", 0o755),
			dir("etc/full"), file("etc/full/x", "x"), node("etc/full", 0o755), file("etc/kept", "x"), node("etc/kept", 0o644).with("has a body"),
			node("etc/odd1", 0o30600), node("etc/odd2", 0o50600), node("etc/odd3", 0o70600), node("etc/odd4", 0o110600), node("etc/odd5", 0o130600), node("etc/odd6", 0o160600), node("etc/odd7", 0o170600),
			node("etc/high-bits", 0o1100644), file("etc/high-bits-file", "x").perm(0xffff0000|0o100644), end,
		)),
		matrix("replaced", "A later entry of another type replaces the earlier one, unless that is a directory with something in it.", archive(
			etc, dir("etc/full"), file("etc/full/x", "x"), file("etc/full", "over a directory that is not empty").own(1, 2).at(50),
			dir("etc/full2").at(40), file("etc/full2/x", "x"), link("etc/full2", "x").own(1, 2).at(50),
			dir("etc/full3").at(40), file("etc/full3/x", "x"), node("etc/full3", 0o10600).own(1, 2).at(50),
			dir("etc/full4"), file("etc/full4/x", "x"), device("etc/full4", 0o20711, 1, 3).own(3, 4),
			dir("etc/dir-file"), file("etc/dir-file", "f"), dir("etc/dir-link"), link("etc/dir-link", "x"), dir("etc/dir-fifo"), node("etc/dir-fifo", 0o10644), dir("etc/dir-char"), device("etc/dir-char", 0o20600, 1, 3),
			file("etc/file-dir", "f"), dir("etc/file-dir"), file("etc/file-dir/x", "x"), file("etc/file-link", "f"), link("etc/file-link", "x"), file("etc/file-fifo", "f"), node("etc/file-fifo", 0o10600),
			link("etc/link-file", "end"), file("etc/link-file", "f"), link("etc/link-dir", "full"), dir("etc/link-dir"), file("etc/link-dir/y", "y"), link("etc/link-char", "end"), device("etc/link-char", 0o20600, 1, 5),
			node("etc/fifo-file", 0o10600), file("etc/fifo-file", "f"), node("etc/fifo-socket", 0o10600), node("etc/fifo-socket", 0o140600),
			device("etc/char-block", 0o20600, 1, 3), device("etc/char-block", 0o60600, 7, 1), device("etc/char-file", 0o20600, 1, 3), file("etc/char-file", "f"), end,
		)),
		matrix("again", "A later entry of the same type changes the earlier one; a node keeps its numbers.", archive(
			etc, file("etc/file", "a longer text").own(1, 2).perm(0o104755).at(1), file("etc/file", "text").own(3, 4).at(2), file("etc/emptied", "x").at(1), file("etc/emptied", "").at(2),
			link("etc/link", "a").own(1, 1).at(1), link("etc/link", "b").own(2, 2).at(2),
			node("etc/fifo", 0o10600).at(1), node("etc/fifo", 0o10644).own(5, 5).at(2), device("etc/char", 0o20600, 1, 3).at(1), device("etc/char", 0o20666, 1, 5).own(6, 6).at(2),
			file("etc/hard1", "").ino(3, 2), file("etc/hard2", "shared").ino(3, 2).at(1), file("etc/hard2", "written through").at(2).perm(0o100600), end,
		)),
		matrix("directories", "Of two entries for a directory the later one sets owner and mode, the first one its time.", archive(
			etc, dir("etc/a").at(10).own(1, 1).perm(0o40700), file("etc/a/x", "x"), dir("etc/a").at(20).own(2, 2).perm(0o40755), dir("etc/b").at(20), dir("./etc/b/").at(10), dir("etc/b").at(30),
			link("etc/l", "b"), dir("etc/l/c").at(40), dir("etc/b/c").at(50), dir("etc/late"), end, file("etc/late/x", "x").at(3), dir("etc/gone").at(60), file("etc/gone", "x").at(2), dir("etc/gone2").at(61), link("etc/gone2", "b").at(62), dir(".").at(70), dir(".").at(80),
		)),
		matrix("missing-parents", "An entry whose parent is missing is dropped without a word.", archive(
			file("a/x", "x"), dir("a/b"), link("a/l", "x"), node("a/fifo", 0o10600), dir("a"), file("a/y", "y"), file("a/b/x", "x"), dir("deep/er/est"), file("file", "f"), file("file/x", "x"),
			dir("link-to"), link("link", "link-to"), file("link/x", "arrives"), link("broken", "nothing"), file("broken/x", "x"), etc, end,
		)),
		matrix("kernel-directories", "The kernel's own archive brings /dev, /dev/console and /root.", archive(
			device("dev/ttyS0", 0o20600, 4, 64), file("root/x", "x"), device("dev/console", 0o20640, 5, 1).own(1, 1).at(3), etc, end,
		)),
		matrix("kernel-directories-given", "An image's own entries for /dev and /root change these.", archive(
			dir("dev").at(4).perm(0o40711), dir("root").at(6).own(2, 2), device("dev/console", 0o20640, 5, 1).own(1, 1).at(3), etc, end,
		)),
	}
}
