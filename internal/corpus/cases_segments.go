package corpus

import "fmt"

// The formats that a kernel of Debian decompresses.
var kernelCodecs = []string{"gzip", "bzip2", "lzma", "xz", "lzo", "lz4", "zstd"}

func segments() []Case {
	a := archive(dir("etc").at(5), file("etc/a", "a\n").at(1))
	b := archive(dir("lib").at(6), file("lib/b", "b\n").at(2))
	zeros := func(n int) Segment { return Segment{Data: make([]byte, n)} }
	gz := Segment{Codec: "gzip", Data: a}
	raw := Segment{Data: b, Align: 4}

	var follow []Image
	for _, codec := range append([]string{""}, kernelCodecs...) {
		name, first := codec, Segment{Codec: codec, Data: a}
		if codec == "" {
			name = "raw"
		}
		for _, n := range []int{1, 2, 3, 4, 512} {
			if codec == "lz4" && n < 4 {
				continue // what the kernel then reads is memory's: it may hang
			}
			follow = append(follow, image(fmt.Sprintf("%s-%d-gzip", name, n), first, zeros(n), Segment{Codec: "gzip", Data: b}))
		}
		follow = append(follow, image(name+"-raw", first, raw), image(name+"-aligned-1-raw", first, Segment{Align: 4}, zeros(1), Segment{Data: b}))
		for _, second := range kernelCodecs {
			if codec == "lz4" && second != "lz4" {
				// The four bytes behind must not be taken for the size of a block.
				follow = append(follow, image(name+"-8-"+second, first, zeros(8), Segment{Codec: second, Data: b}))
				continue
			}
			follow = append(follow, image(name+"-"+second, first, Segment{Codec: second, Data: b}))
		}
	}

	return []Case{
		one("follow", "What may follow a segment: zeros, an archive at a multiple of 4, a compressed archive anywhere (behind a raw one at a multiple of 4).", follow...),
		one("several", "Several archives in one image or in one stream.",
			withEarly(image("early-early-raw", early(), early(), raw)),
			image("zeros-raw", zeros(512), raw), image("zeros-gzip", zeros(512), gz), image("3-zeros-gzip", zeros(3), gz), image("2-zeros-raw", zeros(2), Segment{Data: b}),
			image("one-stream", Segment{Codec: "gzip", Data: append(a[:len(a):len(a)], b...)}),
			image("one-stream-zeros", Segment{Codec: "gzip", Data: append(append(a[:len(a):len(a)], make([]byte, 512)...), b...)}),
			image("one-stream-tail", Segment{Codec: "gzip", Data: append(a[:len(a):len(a)], make([]byte, 5001)...)}),
			image("one-stream-3-zeros", Segment{Codec: "gzip", Data: append(append(a[:len(a):len(a)], 0, 0, 0), b...)}),
			image("one-stream-junk", Segment{Codec: "gzip", Data: append(a[:len(a):len(a)], "junk"...)}),
			nothing("empty-stream", Segment{Codec: "gzip"}, Segment{Codec: "gzip", Data: a}),
			nothing("zeros-stream", Segment{Codec: "gzip", Data: make([]byte, 1000)}, Segment{Codec: "gzip", Data: a}),
			nothing("text-stream", Segment{Codec: "gzip", Data: []byte("hello\n")}, Segment{Codec: "gzip", Data: a}),
			image("second-empty-stream", raw, Segment{Codec: "gzip"}, gz),
			image("second-zeros-stream", raw, Segment{Codec: "gzip", Data: make([]byte, 1000)}, gz),
			image("second-text-stream", raw, Segment{Codec: "gzip", Data: []byte("hello\n")}, gz),
			image("raw-then-gzip-no-trailer", Segment{Data: newc(dir("etc").at(5))}, gz),
		),
		one("nested", "A stream within a stream is not decompressed.",
			nested("gzip", "gzip", a), nested("gzip", "xz", a), nested("zstd", "zstd", a),
			image("raw-then-gzip-in-zstd", Segment{Codec: "zstd", Data: append(b[:len(b):len(b)], gzipped...)}),
		),
		one("frames", "An archive in two streams is whole only if the first one ends behind an entry.", frames(a)...),
	}
}

// withEarly says that an image has an early archive.
func withEarly(i Image) Image { i.Early = true; return i }

// gzipped is an empty file as gzip writes it.
const gzipped = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00"

func nested(outer, inner string, data []byte) Image {
	return nothing(inner+"-in-"+outer, Segment{Codec: outer, Inner: inner, Data: data})
}

func frames(data []byte) []Image {
	var images []Image
	for _, codec := range kernelCodecs {
		for _, cut := range []struct {
			name string
			at   int
		}{{"entry", 116}, {"header", 150}, {"body", len(data) - 126}} {
			images = append(images, image(codec+"-"+cut.name, Segment{Codec: codec, Data: data[:cut.at]}, Segment{Codec: codec, Data: data[cut.at:]}))
		}
	}
	return images
}
