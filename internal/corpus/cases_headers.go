package corpus

import (
	"bytes"
	"strings"
)

// headers has the cases of what stands in a header.
func headers() []Case {
	etc := dir("etc").at(5)
	end := file("etc/end", "the end\n").at(9)
	before := file("etc/before", "before\n")
	replace := func(at int, text string) func([]byte) []byte {
		return func(header []byte) []byte { copy(header[at:], text); return header }
	}
	const mtime, size = 6 + 8*5, 6 + 8*6
	odc := "070707000001000002100644000000000000000001000000000000000000000000600000000006etc/a\x00hello\n"
	return []Case{
		matrix("sums", "In the format 070702 the bytes of a file are summed; other entries have no sum.", archive(
			etc.summed(0), file("etc/right", "the right sum").summed(0), link("etc/link", "target").summed(5), dir("etc/dir").summed(6), node("etc/fifo", 0o10600).summed(7),
			file("etc/empty", "").summed(0), file("etc/hard1", "").ino(7, 2).summed(0), file("etc/hard2", "content").ino(7, 2).summed(0), file("etc/large", strings.Repeat("\xff", 100000)).summed(0), end.summed(0), file("etc/unsummed", "x"),
		)),
		stopping("sum-wrong", "A wrong sum ends the unpacking behind the file.", archive(etc, before.summed(0), file("etc/wrong", "the wrong sum").summed(1).at(3), end)),
		diagonal("sum-wrong-large", "A wrong sum of a large file ends the unpacking behind it.", archive(etc, before.summed(0), file("etc/wrong", strings.Repeat("0123456789abcdef", 5000)).summed(1<<31).at(3), end)),
		diagonal("sum-wrong-empty", "An empty file has a sum too, which is 0.", archive(etc, before, file("etc/wrong", "").summed(1).at(3), end)),
		diagonal("sum-wrong-link", "A later name of a file has a sum of its own content.", archive(etc, file("etc/a", "content").ino(7, 2).summed(0), file("etc/b", "").ino(7, 2).summed(700), end)),
		matrix("digits", "Digits of a header may be of either case.", archive(etc, file("etc/lower", "lower").at(0xabcdef).own(0xfedc, 0xdeadbeef).edited(bytes.ToLower), file("etc/upper", "upper").at(0xabcdef), end)),
		diagonal("digits-0x", "Fields with 0x in front, which Linux 6.1 took and 7 refuses.", archive(etc, before, file("etc/0x", "0x").edited(replace(mtime, "0x000abc")), file("etc/0X", "0X").edited(replace(size, "0X000002")), end)).on("amd64-sid"),
		diagonal("digits-space", "A field with a space in it, as Linux 7 refuses it.", archive(etc, before, file("etc/space", "x").edited(replace(mtime, "     abc")), end)).on("amd64-sid"),
		diagonal("digits-letter", "A field with a letter that is no digit, as Linux 7 refuses it.", archive(etc, before, file("etc/letter", "x").edited(replace(mtime, "00000abg")), end)).on("amd64-sid"),
		diagonal("digits-sign", "A field with a sign, as Linux 7 refuses it.", archive(etc, before, file("etc/sign", "x").edited(replace(mtime, "+0000abc")), end)).on("amd64-sid"),
		diagonal("digits-size", "A size that is no number, as Linux 7 refuses it.", archive(etc, before, file("etc/size", "size").edited(replace(size, "zzzzzzzz")), end)).on("amd64-sid"),
		diagonal("name-without-nul", "A name has to end in a NUL.", archive(etc, before, file("etc/no-nul", "xx").bareName(), end)),
		diagonal("name-without-nul-link", "A link's name has to end in a NUL.", archive(etc, before, link("etc/no-nul", "xx").bareName(), end)),
		diagonal("name-without-nul-trailer", "A trailer's name without a NUL.", newc(etc, before, trailer().bareName(), end)),
		diagonal("magic-odc", "The old portable format.", append(newc(etc, before), odc...)),
		diagonal("magic-odc-only", "The old portable format from the start.", []byte(odc+strings.Repeat("0", 12))),
		diagonal("magic-070703", "A format that nobody knows.", archive(etc, before, file("etc/x", "x").edited(replace(0, "070703")), end)),
		diagonal("magic-0", "A magic that begins as it should.", archive(etc, before, file("etc/x", "x").edited(replace(0, "0hello")), end)),
		diagonal("magic-binary", "The old binary format.", append(newc(etc, before), "\xc7\x71\x00\x00\x01\x00\xa4\x81"...)),
		diagonal("size-beyond", "A size beyond the end.", newc(etc, before, file("etc/beyond", "some bytes").claimsSize(100000).at(3))),
		diagonal("size-4g", "A size of 4 GiB.", newc(etc, before, node("etc/beyond", 0o10600).claimsSize(1<<32-1), end)),
		diagonal("name-size-beyond", "A name's size beyond the end.", newc(etc, before, file("etc/beyond", "").claimsName(3000), end)),
		diagonal("name-size-4g", "A name's size of 4 GiB.", newc(etc, before, file("etc/beyond", "").claimsName(1<<32-1), end)),
	}
}
