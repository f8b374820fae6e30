// Package corpus makes images that test the kernel's unpacker with unusual archives, and
// records what a kernel made of each.
//
// An image belongs to a case, which is one rule and its variants. Most cases are an archive in
// twelve images: uncompressed and in three codecs, each alone, behind an early archive and in
// front of another archive. testdata/NAME.want has the resulting root as text. It comes from
// boots of Linux 6.1: the tests boot the images and compare, and -update writes the results.
package corpus

// Case is a rule of the unpacker.
type Case struct {
	Name   string
	About  string // what it shows, in a sentence
	Images []Image
}

// Cases returns all cases.
func Cases() []Case {
	var all []Case
	for _, cases := range [][]Case{names(), kinds(), hardLinks(), headers(), ends(), bootconfigs(), segments(), compressed()} {
		all = append(all, cases...)
	}
	return all
}

// matrix returns a case whose archive comes through four codecs and in three places.
func matrix(name, about string, data []byte) Case {
	return Case{name, about, places(data, Behind)}
}

// stopping is matrix for an archive that the kernel does not read to its end.
func stopping(name, about string, data []byte) Case {
	return Case{name, about, places(data, InFront)}
}

// diagonal is stopping with each codec and each place, but not with each pair of them.
func diagonal(name, about string, data []byte) Case {
	all := places(data, InFront)
	return Case{name, about, []Image{all[0], all[3+1], all[6+2], all[9], all[2]}}
}

func places(data []byte, guest Place) []Image {
	var images []Image
	for _, codec := range []string{"", "gzip", "xz", "zstd"} {
		name := codec
		if codec == "" {
			name = "raw"
		}
		body, behind := Segment{Codec: codec, Data: data}, other("gzip")
		if codec == "" {
			behind = other("")
			behind.Align = 4
		}
		images = append(images,
			Image{Name: name, Segments: []Segment{body}, Guest: guest},
			Image{Name: "early-" + name, Segments: []Segment{early(), body}, Early: true, Guest: guest},
			Image{Name: "before-" + name, Segments: []Segment{body, behind}, Other: true, Guest: InFront})
	}
	return images
}

// one is a case with images of its own.
func one(name, about string, images ...Image) Case { return Case{name, about, images} }

// image is an image that the kernel need not read to its end.
func image(name string, segments ...Segment) Image {
	return Image{Name: name, Segments: segments, Guest: InFront}
}

// nothing is an image of which nothing arrives. The kernel takes some first segments
// otherwise than it would behind the guest.
func nothing(name string, segments ...Segment) Image {
	return Image{Name: name, Segments: segments, Guest: Nowhere}
}

// on is a case for one kernel.
func (c Case) on(kernel string) Case {
	for n := range c.Images {
		c.Images[n].Kernel = kernel
	}
	return c
}
