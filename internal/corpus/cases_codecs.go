package corpus

import "slices"

// compressed has the cases of codecs and their settings.
func compressed() []Case {
	data := archive(dir("etc").at(5), file("etc/a", "hello\n").at(1), file("etc/end", "the end\n").at(9))
	var taken, refused, foreign []Image
	for _, codec := range []string{"gzip", "bzip2", "lzma", "xz", "lzo", "lz4", "zstd", "zstd-long", "zstd-plain", "xz-blocks", "xz-none"} {
		guest := Behind
		if codec == "lz4" { // wants no bytes behind it that are no further block
			guest = InFront
		}
		taken = append(taken, Image{Name: codec, Segments: []Segment{{Codec: codec, Data: data}}, Guest: guest},
			Image{Name: "early-" + codec, Segments: []Segment{early(), {Codec: codec, Data: data}}, Early: true, Guest: InFront})
	}
	for _, codec := range []string{"lz4-frame", "xz-crc64", "xz-sha256", "xz-delta"} {
		refused = append(refused, image(codec, Segment{Codec: codec, Data: data}))
	}
	for _, codec := range []string{"xz-x86", "xz-arm", "xz-thumb", "xz-powerpc", "xz-sparc", "xz-arm64"} {
		foreign = append(foreign, image(codec, Segment{Codec: codec, Data: data}))
	}
	magic := func(name, bytes string) Image {
		return image(name, Segment{Data: slices.Concat(data, []byte(bytes))})
	}
	return []Case{
		one("codecs", "What the kernel decompresses.", taken...),
		one("codecs-refused", "What no kernel decompresses.", refused...),
		one("codecs-filters", "What some kernels decompress: Debian's for amd64 knows the x86 filter.", foreign...).on("amd64"),
		one("codecs-unknown", "What is no archive, behind one.",
			magic("lzip", "LZIP\x01\x0c\x00\x00"), magic("compress", "\x1f\x9d\x90\x00\x00\x00"), magic("pack", "\x1f\x9e\x00\x00"), magic("7z", "7z\xbc\xaf\x27\x1c"), magic("squashfs", "hsqs\x00\x00\x00\x00"), magic("tar", "etc/a\x00\x00\x00")),
	}
}
