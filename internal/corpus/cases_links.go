package corpus

func hardLinks() []Case {
	etc := dir("etc").at(5)
	end := file("etc/end", "the end\n").at(9)
	first := newc(etc, file("etc/a", "content\n").ino(7, 2).at(1))
	second := newc(file("etc/b", "").ino(7, 2).at(2), end)
	return []Case{
		matrix("links", "Any of a file's names, or each, has its content.", archive(
			etc, file("etc/first1", "content\n").ino(1, 3), file("etc/first2", "").ino(1, 3), file("etc/first3", "").ino(1, 3),
			file("etc/middle1", "").ino(2, 3), file("etc/middle2", "content\n").ino(2, 3), file("etc/middle3", "").ino(2, 3),
			file("etc/last1", "").ino(3, 3), file("etc/last2", "").ino(3, 3), file("etc/last3", "content\n").ino(3, 3),
			file("etc/each1", "content\n").ino(4, 3), file("etc/each2", "content\n").ino(4, 3), file("etc/each3", "content\n").ino(4, 3),
			file("etc/none1", "").ino(5, 2), file("etc/none2", "").ino(5, 2), end,
		)),
		matrix("links-differ", "Names of a file have contents that differ: each is written over the one before.", archive(
			etc, file("etc/a", "first and long\n").ino(7, 3), file("etc/b", "second\n").ino(7, 3), file("etc/c", "").ino(7, 3),
			file("etc/d", "short\n").ino(8, 2), file("etc/e", "second and longer\n").ino(8, 2), end,
		)),
		matrix("links-attributes", "A later name sets owner, mode and time of the file.", archive(
			etc, file("etc/a", "a").ino(7, 2).own(1, 1).perm(0o104755).at(100), file("etc/b", "").ino(7, 2).own(2, 3).perm(0o100600).at(50),
			node("etc/f1", 0o10600).ino(8, 2).at(1), node("etc/f2", 0o10644).ino(8, 2).own(4, 4).at(2),
			device("etc/c1", 0o20600, 1, 3).ino(9, 2), device("etc/c2", 0o20666, 1, 5).ino(9, 2), node("etc/s1", 0o140600).ino(10, 2), node("etc/s2", 0o140644).ino(10, 2), end,
		)),
		matrix("links-odd", "Names share a file by inode number, device and type, if they claim two links or more.", archive(
			etc, file("etc/one1", "1").ino(1, 1), file("etc/one2", "2").ino(1, 1), file("etc/half1", "3").ino(2, 1), file("etc/half2", "4").ino(2, 2), file("etc/half3", "").ino(2, 2),
			file("etc/none1", "5").ino(3, 0), file("etc/none2", "6").ino(3, 0), file("etc/zero1", "7").ino(0, 2), file("etc/zero2", "").ino(0, 2),
			file("etc/dev1", "8").ino(4, 2).on(1, 1), file("etc/dev2", "9").ino(4, 2).on(1, 2), file("etc/dev3", "").ino(4, 2).on(1, 1), file("etc/dev4", "").ino(4, 2).on(2, 1),
			link("etc/link1", "a").ino(5, 2), link("etc/link2", "b").ino(5, 2), node("etc/type1", 0o10600).ino(6, 2), file("etc/type2", "10").ino(6, 2), node("etc/type3", 0o10600).ino(6, 2),
			dir("etc/dir1").ino(11, 2), dir("etc/dir2").ino(11, 2), file("etc/many1", "11").ino(12, 900), file("etc/many2", "").ino(12, 2), end,
		)),
		matrix("links-broken", "A name whose file cannot be linked is dropped without a word.", archive(
			etc, file("etc/twice", "lost").ino(1, 2), file("etc/twice", "").ino(1, 2), file("none/first", "lost too").ino(2, 2), file("etc/second", "lost with it").ino(2, 2), file("etc/third", "").ino(2, 3),
			file("etc/gone1", "of another name then").ino(3, 3), link("etc/gone1", "end"), file("etc/gone2", "links to the link?").ino(3, 3),
			file("etc/over1", "x").ino(4, 2), file("etc/over2", "y"), file("etc/over2", "").ino(4, 2), dir("etc/full"), file("etc/full/x", "x"), file("etc/l1", "z").ino(5, 2), file("etc/full", "").ino(5, 2),
			dir("etc/empty"), file("etc/m1", "m").ino(6, 2), file("etc/empty", "").ino(6, 2), file("etc/n1", "n").ino(8, 2), file("none/n2", "").ino(8, 2), end,
		)),
		matrix("links-trailer", "A trailer ends what names share.", append(archive(etc, file("etc/a", "a").ino(7, 2)), archive(file("etc/b", "").ino(7, 2), file("etc/c", "c").ino(7, 2), end)...)),
		matrix("links-trailer-body", "A trailer with a body ends nothing, and one that is a regular file does.", archive(
			etc, file("etc/a", "a").ino(7, 3), trailer().with("body"), file("etc/b", "").ino(7, 3), file("TRAILER!!!", "body"), file("etc/c", "c").ino(7, 3), end,
		)),
		one("links-seam", "Names share a file across segments if no trailer stands between.",
			image("raw-raw", Segment{Data: first}, Segment{Data: second}),
			image("raw-zeros-raw", Segment{Data: first}, Segment{Data: make([]byte, 512)}, Segment{Data: second}),
			image("raw-gzip", Segment{Data: first}, Segment{Codec: "gzip", Data: second}),
			image("gzip-raw", Segment{Codec: "gzip", Data: first}, Segment{Align: 4, Data: second}),
			image("gzip-gzip", Segment{Codec: "gzip", Data: first}, Segment{Codec: "gzip", Data: second}),
			image("xz-zstd", Segment{Codec: "xz", Data: first}, Segment{Codec: "zstd", Data: second}),
			image("zstd-lz4", Segment{Codec: "zstd", Data: first}, Segment{Codec: "lz4", Data: second}),
			image("trailer-gzip", Segment{Data: append(first[:len(first):len(first)], archive()...)}, Segment{Codec: "gzip", Data: second}),
			withEarly(image("early-raw-gzip", early(), Segment{Data: first}, Segment{Codec: "gzip", Data: second})),
		),
	}
}
