package corpus

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os/exec"
	"slices"
)

// Segment is a part of an image: Data, through Codec, at a multiple of Align.
type Segment struct {
	Codec string // a key of codecs; "" is none
	Inner string // the codec before that one, of a stream within a stream
	Align int    // zeros come first until the position is a multiple of it; 0 is 1
	Data  []byte

	// Damage changes the segment once it is compressed, by the rule that Damaged
	// names.
	Damage  func([]byte) []byte
	Damaged string
}

// Image is one image of a case.
type Image struct {
	Name     string // in its case
	Segments []Segment
	Early    bool // the first segment is an early archive of microcode
	Other    bool // the last segment is an archive with a directory other
	Guest    Place
	Rough    bool   // what arrives, and the words of the complaint, depend on the compressor's version
	Kernel   string // of internal/testenv/kernel.sh, if not any of Linux 6.1 will do
}

// Place is where the guest that reports what stands in the root joins an image.
type Place int

const (
	Behind  Place = iota // as an archive of its own; what is in front of it is as it is
	InFront              // where the kernel may stop in the image, or looks at its end
	Nowhere              // where neither will do: nothing of the image arrives, and only the complaint is seen
)

// With returns the bytes of an image with the guest's archive in its place.
func (p Place) With(image, guest []byte) []byte {
	switch p {
	case Behind:
		return slices.Concat(image, make([]byte, -len(image)&3), guest)
	case InFront:
		return slices.Concat(guest, image)
	}
	return image
}

// codecs has the commands that compress for the kernel. Their output may change with
// their version, so that [Image.ID] leaves it out.
var codecs = map[string][]string{
	"gzip":       {"gzip", "-9n"},
	"bzip2":      {"bzip2", "-9"},
	"lzma":       {"xz", "--format=lzma", "-6"},
	"xz":         {"xz", "--check=crc32", "-6"},
	"lzo":        {"lzop", "-9"},
	"lz4":        {"lz4", "-l", "-9", "-q"},
	"zstd":       {"zstd", "-19", "-q"},
	"lz4-frame":  {"lz4", "-9", "-q"},
	"zstd-long":  {"zstd", "-q", "--ultra", "-22", "--long=27"},
	"zstd-plain": {"zstd", "-q", "--no-check"},
	"xz-blocks":  {"xz", "--check=crc32", "--block-size=200"},
	"xz-crc64":   {"xz", "--check=crc64"},
	"xz-sha256":  {"xz", "--check=sha256"},
	"xz-none":    {"xz", "--check=none"},
	"xz-x86":     {"xz", "--check=crc32", "--x86", "--lzma2"},
	"xz-arm":     {"xz", "--check=crc32", "--arm", "--lzma2"},
	"xz-thumb":   {"xz", "--check=crc32", "--armthumb", "--lzma2"},
	"xz-arm64":   {"xz", "--check=crc32", "--arm64", "--lzma2"},
	"xz-powerpc": {"xz", "--check=crc32", "--powerpc", "--lzma2"},
	"xz-sparc":   {"xz", "--check=crc32", "--sparc", "--lzma2"},
	"xz-delta":   {"xz", "--check=crc32", "--delta=dist=4", "--lzma2"},
}

// Tools returns the commands that make the image.
func (i Image) Tools() []string {
	var tools []string
	for _, s := range i.Segments {
		if s.Codec != "" {
			tools = append(tools, codecs[s.Codec][0])
		}
	}
	return tools
}

// Bytes makes the image.
func (i Image) Bytes() ([]byte, error) {
	var image []byte
	for _, s := range i.Segments {
		for s.Align > 1 && len(image)%s.Align != 0 {
			image = append(image, 0)
		}
		data := s.Data
		for _, codec := range []string{s.Inner, s.Codec} {
			var err error
			if data, err = compress(codec, data); err != nil {
				return nil, err
			}
		}
		if s.Damage != nil {
			data = s.Damage(bytes.Clone(data))
		}
		image = append(image, data...)
	}
	return image, nil
}

func compress(codec string, data []byte) ([]byte, error) {
	if codec == "" {
		return data, nil
	}
	command := codecs[codec]
	cmd := exec.Command(command[0], append(command[1:len(command):len(command)], "-c")...)
	cmd.Stdin = bytes.NewReader(data)
	compressed, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cmd, err)
	}
	return compressed, nil
}

// ID identifies the image and its boot: it is a sum of the input of the codecs, not of their
// output.
func (i Image) ID() string {
	h := sha256.New()
	fmt.Fprintf(h, "%v %v %v %v %s\n", i.Early, i.Other, i.Guest, i.Rough, i.Kernel)
	for _, s := range i.Segments {
		fmt.Fprintf(h, "%q %q %q %d %d\n", codecs[s.Codec], codecs[s.Inner], s.Damaged, s.Align, len(s.Data))
		h.Write(s.Data)
	}
	return hex.EncodeToString(h.Sum(nil))[:16]
}

// earlyEntries stand in front of some images, as microcode does.
var earlyEntries = []entry{
	dir("kernel").at(11), dir("kernel/x86").at(12), dir("kernel/x86/microcode").at(13),
	file("kernel/x86/microcode/AuthenticAMD.bin", "no microcode").at(14),
}

// otherEntries stands behind some images.
var otherEntries = []entry{dir("other").at(21), file("other/b", "b\n").at(22)}

func early() Segment {
	data := archive(earlyEntries...)
	return Segment{Data: append(data, make([]byte, -len(data)&511)...)}
}

func other(codec string) Segment { return Segment{Codec: codec, Data: archive(otherEntries...)} }

// GuestArchive returns an archive with one program, called [Guest].
func GuestArchive(program []byte) []byte {
	return archive(entry{name: Guest, mode: 0o100755, nlink: 1, body: string(program), mtime: 1})
}
