package envelope

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// Bounds of the data that is kept of a FIT.
const (
	fitMostNodes  = 1024 // images, and configurations
	fitMostHashes = 8    // of an image
	fitMostValue  = 256  // bytes of a text or a hash
)

// fitSystems are the values of os with which U-Boot loads a ramdisk (boot/image-fit.c).
var fitSystems = []string{"linux", "u-boot", "tee", "openrtos", "efi", "vxworks", "elf"}

// fit holds the description of the images in a FIT.
type fit struct {
	w              *view
	found          bool // it has a node /images
	images         []fitImage
	configurations []fitConfiguration
	byDefault      string // configuration that U-Boot takes by default
}

type fitImage struct {
	name, kind, os, compression string
	data                        property // the content, if it is in the tree
	position, offset, size      *uint32  // of external content: in the file, or behind the tree
	hashes                      []fitHash
	ciphered                    bool
}

type fitHash struct {
	node, algorithm string
	value           []byte
	ignored         bool
}

type fitConfiguration struct {
	name    string
	ramdisk string // the first, which U-Boot loads
	count   int    // of the ramdisks that it names
}

// openFIT opens a flattened image tree: a device tree with a node /images. The content of an
// image is its property "data", or lies outside the tree.
func openFIT(w *view) (*Envelope, error) {
	t, err := openFDT(w)
	if err != nil {
		return nil, err
	}
	f := &fit{w: newView(w.r, 0, w.size)}
	if err := t.walk(f.visit); err != nil {
		return nil, err
	}
	if !f.found {
		return nil, nil
	}
	e := &Envelope{Format: "FIT image", aliases: map[string]string{}}
	end := t.size
	for i := range f.images {
		end = max(end, addImage(e, w, &f.images[i], t.size))
	}
	f.choose(e)
	return e, e.tail(w, end)
}

// visit records a node or a property, if it describes an image.
func (f *fit) visit(path []string, p property) error {
	switch {
	case len(path) == 1 && path[0] == "images":
		f.found = true
	case len(path) == 1 && path[0] == "configurations" && p.name == "default":
		return f.text(&f.byDefault, p)
	case len(path) < 2:
	case path[0] == "images" && p.name == "" && len(path) == 2:
		f.images = append(f.images, fitImage{name: path[1]})
		return few(f.images, fitMostNodes, "images")
	case path[0] == "images" && len(path) == 2:
		return f.imageProperty(&f.images[len(f.images)-1], p)
	case path[0] == "images" && len(path) == 3:
		return f.below(&f.images[len(f.images)-1], path[2], p)
	case path[0] == "configurations" && p.name == "" && len(path) == 2:
		f.configurations = append(f.configurations, fitConfiguration{name: path[1]})
		return few(f.configurations, fitMostNodes, "configurations")
	case path[0] == "configurations" && p.name == "ramdisk" && len(path) == 2:
		c := &f.configurations[len(f.configurations)-1]
		b, err := f.value(p)
		c.count = bytes.Count(b, []byte{0})
		first, _, _ := bytes.Cut(b, []byte{0})
		c.ramdisk = printable(first)
		return err
	}
	return nil
}

// few returns an error for more items than any real FIT has.
func few[T any](list []T, most int, what string) error {
	if len(list) > most {
		return fmt.Errorf("a FIT image with more than %d %s", most, what)
	}
	return nil
}

func (f *fit) imageProperty(m *fitImage, p property) error {
	switch p.name {
	case "data":
		m.data = p
	case "type":
		return f.text(&m.kind, p)
	case "os":
		return f.text(&m.os, p)
	case "compression":
		return f.text(&m.compression, p)
	case "data-position":
		return f.number(&m.position, p)
	case "data-offset":
		return f.number(&m.offset, p)
	case "data-size":
		return f.number(&m.size, p)
	}
	return nil
}

// below records a node below an image, such as a hash, or its property.
func (f *fit) below(m *fitImage, node string, p property) error {
	switch {
	case strings.HasPrefix(node, "cipher"):
		m.ciphered = true
		return nil
	case !strings.HasPrefix(node, "hash"):
		return nil
	case p.name == "":
		m.hashes = append(m.hashes, fitHash{node: node})
		return few(m.hashes, fitMostHashes, "hashes of "+m.name)
	case len(m.hashes) == 0:
		return nil
	}
	h := &m.hashes[len(m.hashes)-1]
	switch p.name {
	case "algo":
		return f.text(&h.algorithm, p)
	case "uboot-ignore":
		h.ignored = true
	case "value":
		b, err := f.value(p)
		h.value = bytes.Clone(b)
		return err
	}
	return nil
}

// value returns the bytes of a property, which are valid until the next call.
func (f *fit) value(p property) ([]byte, error) {
	if p.size > fitMostValue {
		return nil, fmt.Errorf("a damaged FIT image: its property %s has %d bytes", p.name, p.size)
	}
	return f.w.bytes(p.offset, int(p.size))
}

func (f *fit) text(to *string, p property) error {
	b, err := f.value(p)
	b, _, _ = bytes.Cut(b, []byte{0})
	*to = printable(b)
	return err
}

func (f *fit) number(to **uint32, p property) error {
	b, err := f.value(p)
	if err != nil {
		return err
	}
	if len(b) != 4 {
		return fmt.Errorf("a damaged FIT image: its property %s has %d bytes and should have 4", p.name, len(b))
	}
	n := binary.BigEndian.Uint32(b)
	*to = &n
	return nil
}

// addImage adds an image as a part and returns where it ends. External content is counted
// from the first multiple of 4 behind the tree (U-Boot's mkimage -E), or from the start of the
// file (mkimage -p).
func addImage(e *Envelope, w *view, m *fitImage, tree int64) (end int64) {
	p := Part{Name: m.name, Kind: m.kind, Offset: m.data.offset, Size: m.data.size}
	switch {
	case m.position != nil:
		p.Offset = int64(*m.position)
	case m.offset != nil:
		p.Offset = (tree+3)&^3 + int64(*m.offset)
	case m.data.name == "":
		p.damage = append(p.damage, m.name+" has no data")
	}
	if m.position != nil || m.offset != nil {
		if p.Size = 0; m.size != nil {
			p.Size = int64(*m.size)
		} else {
			p.damage = append(p.damage, m.name+" has no data-size")
		}
	}
	if p.damage == nil {
		for _, h := range m.hashes {
			p.addHash(h)
		}
	}
	if m.ciphered {
		p.damage = append(p.damage, m.name+" is encrypted, which mkinitfs does not read")
	}
	if m.kind == Ramdisk && !slices.Contains(fitSystems, m.os) {
		p.warn("fit-os", "%s has os = %q: U-Boot does not load such a ramdisk (set os = \"linux\")", m.name, m.os)
	}
	if m.kind == Ramdisk && m.compression != "" && m.compression != "none" {
		p.warn("fit-compression", "%s has compression = %q: U-Boot warns of it and passes the ramdisk on as it is (set compression = \"none\")",
			m.name, m.compression)
	}
	e.add(w, p)
	return p.Offset + p.Size
}

func (p *Part) addHash(h fitHash) {
	algorithm := algorithms[h.algorithm]
	switch {
	case h.algorithm == "":
		p.damage = append(p.damage, fmt.Sprintf("%s of %s has no algo", h.node, p.Name))
	case h.ignored:
		p.warn("fit-hash-ignored", "%s of %s says uboot-ignore: U-Boot does not compare it", h.node, p.Name)
	case algorithm == nil:
		p.warn("fit-hash-unknown", "%s of %s is not compared: mkinitfs does not know %q", h.node, p.Name, h.algorithm)
	case len(h.value) != algorithm().Size():
		p.damage = append(p.damage, fmt.Sprintf("%s of %s has %d bytes, %s has %d", h.node, p.Name, len(h.value), h.algorithm, algorithm().Size()))
	default:
		p.sums = append(p.sums, sum{h.algorithm, h.value, p.Offset, p.Size, p.Name})
	}
}

// choose finds the ramdisk of the default configuration. Without a default configuration it
// takes the only ramdisk.
func (f *fit) choose(e *Envelope) {
	var only []string
	for _, p := range e.Parts {
		if p.Kind == Ramdisk {
			only = append(only, p.Name)
		}
	}
	for _, c := range f.configurations {
		if c.ramdisk != "" {
			e.aliases[c.name] = c.ramdisk
		}
		if c.name == f.byDefault && c.count > 1 {
			e.warn("fit-ramdisks", "configuration %s names %d ramdisks, of which U-Boot loads the first", c.name, c.count)
		}
	}
	e.ramdisk = e.aliases[f.byDefault]
	switch {
	case e.ramdisk != "" && e.part(e.ramdisk) == nil:
		e.missing = fmt.Sprintf("configuration %s names the ramdisk %s, which the FIT image does not hold", f.byDefault, e.ramdisk)
		e.ramdisk = ""
	case e.ramdisk != "":
		if p := e.part(e.ramdisk); p.Kind != Ramdisk {
			p.warn("fit-type", "%s has type = %q: U-Boot loads nothing as a ramdisk but type = %q", p.Name, p.Kind, Ramdisk)
		}
	case len(only) == 0:
		e.missing = "a FIT image without a ramdisk: it holds " + e.list()
	case len(only) > 1:
		e.missing = fmt.Sprintf("a FIT image with %d ramdisks and no default configuration that names one", len(only))
	default:
		e.ramdisk = only[0]
		e.warn("fit-no-default", "no default configuration names %s: U-Boot loads it only when it is told to", e.ramdisk)
	}
}
