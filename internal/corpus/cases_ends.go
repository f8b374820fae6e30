package corpus

import (
	"fmt"
	"strings"
)

// ends has the cases of where archives and segments end, and of what stands there.
func ends() []Case {
	etc := dir("etc").at(5)
	end := file("etc/end", "the end\n").at(9)
	plain := archive(etc, end)
	zeros := func(n int) entry { return between(strings.Repeat("\x00", n)) }
	cut := func(n int) []byte {
		b := archive(etc, end, file("etc/x", "of some length\n").at(3))
		return b[:len(b)-n]
	}

	var tails []Image
	for _, codec := range []string{"", "gzip", "xz", "zstd", "lz4", "bzip2", "lzma", "lzo"} {
		for _, tail := range []struct{ name, bytes string }{
			{"1-zero", "\x00"}, {"2-zeros", "\x00\x00"}, {"3-zeros", "\x00\x00\x00"}, {"4-zeros", "\x00\x00\x00\x00"}, {"512-zeros", strings.Repeat("\x00", 512)},
			{"ff", strings.Repeat("\xff", 4096)}, {"zeros-ff", strings.Repeat("\x00", 200) + strings.Repeat("\xff", 4096)}, {"text", "some text\n"},
			{"zeros-text", strings.Repeat("\x00", 512) + "some text\n"}, {"ff-zeros", strings.Repeat("\xff", 512) + strings.Repeat("\x00", 512)},
		} {
			if codec != "" && codec != "gzip" && codec != "lz4" && (tail.name == "zeros-text" || tail.name == "ff-zeros") {
				continue
			}
			name := codec
			if codec == "" {
				name = "raw"
			}
			tails = append(tails, image(name+"-"+tail.name, Segment{Codec: codec, Data: plain}, Segment{Data: []byte(tail.bytes)}))
		}
	}

	var cuts []Image
	flip := func(b []byte) []byte { b[len(b)/2] ^= 0x10; return b }
	for _, codec := range []string{"gzip", "xz", "zstd", "lz4", "bzip2", "lzma", "lzo"} {
		for _, n := range []int{1, 20} {
			rule := fmt.Sprintf("cut by %d", n)
			damage := func(b []byte) []byte { return b[:len(b)-n] }
			if codec == "gzip" && n < 8 || codec == "lz4" && n > 1 {
				continue // the kernel reads on in what is behind the image in memory
			}
			cuts = append(cuts, image(fmt.Sprintf("%s-by-%d", codec, n), Segment{Codec: codec, Data: plain, Damage: damage, Damaged: rule}))
		}
		cuts = append(cuts, image(codec+"-flipped", Segment{Codec: codec, Data: plain, Damage: flip, Damaged: "a bit in the middle flipped"}))
	}
	for n := range cuts {
		cuts[n].Rough = true
	}
	last := func(b []byte) []byte { b[len(b)-6] ^= 0x10; return b }
	cuts = append(cuts,
		image("gzip-wrong-sum", Segment{Codec: "gzip", Data: plain, Damage: last, Damaged: "a bit of the sum flipped"}),
		image("bare-magic", Segment{Data: plain}, Segment{Data: []byte("\x1f\x8b")}),
		image("one-byte", Segment{Data: plain}, Segment{Data: []byte("0")}),
	)

	return []Case{
		matrix("no-trailer", "An archive needs no trailer.", newc(etc, file("etc/a", "a"), file("etc/b", "b").ino(7, 2), end)),
		matrix("trailers", "An entry goes on behind a trailer; a trailer may have any mode, and is none with a body, unless that of a file, or as a link.", archive(
			etc, trailer(), file("etc/a", "a"), trailer().with("body"), file("etc/b", "b"), file("TRAILER!!!", "a file"), dir("TRAILER!!!"), node("TRAILER!!!", 0o10600), trailer().own(1, 1).at(8), trailer().padded(3),
			file("TRAILER!!!x", "longer"), file("TRAILER!!", "shorter"), file("etc/TRAILER!!!", "below"), file("trailer!!!", "lower"), file("./TRAILER!!!", "with a dot"), file("/TRAILER!!!", "absolute"), link("etc/link", "x"), trailer(), trailer(), end,
		)),
		matrix("trailer-link", "A link with a trailer's name is a link.", archive(etc, link("TRAILER!!!", "etc/end"), end)),
		matrix("trailer-only", "An archive of a trailer.", archive()),
		matrix("zeros", "Zeros between two entries are skipped, if they keep the multiple of 4.", archive(etc, zeros(4), file("etc/a", "a"), zeros(512), file("etc/b", "b"), zeros(40000), file("etc/c", "c"), zeros(8), trailer(), zeros(4), end, zeros(12))),
		stopping("zeros-odd", "Zeros that do not keep it.", archive(etc, file("etc/a", "a"), zeros(3), end)),
		zerosFirst(archive(zeros(512), etc, end)),
		stopping("junk", "Bytes between two entries.", archive(etc, file("etc/a", "a"), between("junk"), end)),
		diagonal("cut-trailer", "An archive cut in its trailer.", cut(5)),
		diagonal("cut-trailer-header", "An archive cut in the header of its trailer.", cut(80)),
		diagonal("cut-body", "An archive cut in a body.", cut(124+8)),
		diagonal("cut-padding", "An archive cut in the padding of a body.", cut(124+1)),
		diagonal("cut-name", "An archive cut in a name.", cut(124+16+3)),
		diagonal("cut-header", "An archive cut in a header.", cut(124+16+8+50)),
		one("tails", "Bytes behind the last archive.", tails...),
		one("damage", "Compressed segments that are cut or damaged.", cuts...),
	}
}

// zerosFirst is a matrix of what begins with zeros. A stream that does is no archive if
// it is the first segment.
func zerosFirst(data []byte) Case {
	c := matrix("zeros-first", "Zeros in front of the first entry are skipped, but not in a stream that is the first segment.", data)
	for n, i := range c.Images {
		if i.Segments[0].Codec != "" {
			c.Images[n].Guest = Nowhere
		}
	}
	return c
}

// bootconfigs has the cases of a block of boot configuration at the end of an image.
func bootconfigs() []Case {
	plain := archive(dir("etc").at(5), file("etc/end", "the end\n").at(9))
	const text = "kernel.quiet\n\x00\x00\x00"
	const magic = "#BOOTCONFIG\n"
	block := func(text string, size, sum int) string {
		for _, c := range []byte(text) {
			sum += int(c)
		}
		number := func(n int) string { return string([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}) }
		return text + number(len(text)+size) + number(sum) + magic
	}
	var images []Image
	for _, codec := range []string{"", "gzip", "xz", "zstd"} {
		name := codec
		if codec == "" {
			name = "raw"
		}
		for _, b := range []struct{ name, bytes string }{
			{"right", block(text, 0, 0)},
			{"aligned", "\x00\x00\x00\x00" + block(text, 0, 0)},
			{"empty", block("", 0, 0)},
			{"1-behind", block(text, 0, 0) + "\x00"}, {"2-behind", block(text, 0, 0) + "\x00\x00"}, {"3-behind", block(text, 0, 0) + "\x00\x00\x00"}, {"4-behind", block(text, 0, 0) + "\x00\x00\x00\x00"},
			{"3-other-behind", block(text, 0, 0) + "abc"},
			{"size-with-a-zero", "\x00" + block(text, 1, 0)}, {"short-size", block(text, -4, 0)}, {"huge-size", block(text, 1<<24, 0)}, {"wrong-sum", block(text, 0, 1)}, {"twice", block(text, 0, 0) + block(text, 0, 0)},
			{"magic-only", magic}, {"wrong-magic", strings.Replace(block(text, 0, 0), magic, "#BOOTCONFIG ", 1)},
		} {
			if codec != "" && codec != "gzip" && b.name != "right" && b.name != "wrong-sum" {
				continue
			}
			images = append(images, image(name+"-"+b.name, Segment{Codec: codec, Data: plain}, Segment{Align: 4, Data: []byte(b.bytes)}))
		}
	}
	before := image("before", Segment{Data: plain}, Segment{Data: []byte(block(text, 0, 0))}, other("gzip"))
	before.Other = true
	images = append(images, before,
		withEarly(image("early", early(), Segment{Codec: "gzip", Data: plain}, Segment{Align: 4, Data: []byte(block(text, 0, 0))})),
		image("no-trailer", Segment{Data: newc(file("end", "x"))}, Segment{Data: []byte(block(text, 0, 0))}))
	return []Case{one("bootconfig", "A block of boot configuration at the end is taken off, if its size and sum are right.", images...)}
}
