package envelope

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
)

// uImageOf returns a uImage of a type.
func uImageOf(kind uint8, data []byte) []byte {
	h := uImageHeader{Magic: uImageMagic, Size: uint32(len(data)), DataCRC: crc32.ChecksumIEEE(data), OS: uImageLinux, Type: kind}
	encode := func() []byte {
		b, _ := binary.Append(nil, binary.BigEndian, &h)
		return b
	}
	h.HeaderCRC = crc32.ChecksumIEEE(encode())
	return append(encode(), data...)
}

// multiOf returns a multi-file uImage.
func multiOf(parts ...[]byte) []byte {
	var table, data []byte
	for _, p := range parts {
		table = binary.BigEndian.AppendUint32(table, uint32(len(p)))
		data = append(data, p...)
		data = append(data, make([]byte, -len(data)&3)...)
	}
	return uImageOf(uImageMulti, append(append(table, 0, 0, 0, 0), data...))
}

// node is a node of a device tree.
type node struct {
	name       string
	properties []value
	nodes      []node
}

type value struct {
	name string
	data []byte
}

func text(name, value string) value { return valueOf(name, []byte(value+"\x00")) }

func number(name string, n int) value {
	return valueOf(name, binary.BigEndian.AppendUint32(nil, uint32(n)))
}

func valueOf(name string, data []byte) value { return value{name, data} }

// treeOf returns a flattened device tree of version 17.
func treeOf(root node) []byte {
	var structures, names []byte
	add := func(n int) { structures = binary.BigEndian.AppendUint32(structures, uint32(n)) }
	pad := func() { structures = append(structures, make([]byte, -len(structures)&3)...) }
	var write func(n node)
	write = func(n node) {
		add(fdtBeginNode)
		structures = append(structures, n.name+"\x00"...)
		pad()
		for _, v := range n.properties {
			add(fdtProperty)
			add(len(v.data))
			add(len(names))
			names = append(names, v.name+"\x00"...)
			structures = append(structures, v.data...)
			pad()
		}
		for _, child := range n.nodes {
			write(child)
		}
		add(fdtEndNode)
	}
	write(root)
	add(fdtEnd)
	const begin = fdtHeaderSize + 16 // of an empty table of reservations
	end := begin + len(structures)
	total := end + len(names)
	var b bytes.Buffer
	for _, n := range []uint32{0xd00dfeed, uint32(total), uint32(begin), uint32(end), fdtHeaderSize, 17, 16, 0, uint32(len(names)), uint32(len(structures))} {
		binary.Write(&b, binary.BigEndian, n)
	}
	b.Write(make([]byte, 16))
	b.Write(structures)
	b.Write(names)
	return b.Bytes()
}

// imageOf returns an image of a FIT with its content in the tree, and further properties.
func imageOf(name, kind string, data []byte, more ...value) node {
	return node{name: name, properties: append([]value{valueOf("data", data), text("type", kind), text("os", "linux")}, more...), nodes: []node{hashOf(data)}}
}

func hashOf(data []byte) node {
	sum := sha256.Sum256(data)
	return node{name: "hash-1", properties: []value{text("algo", "sha256"), valueOf("value", sum[:])}}
}

// fitOf returns a FIT image.
func fitOf(images, configurations []node, byDefault string) []byte {
	c := node{name: "configurations", nodes: configurations}
	if byDefault != "" {
		c.properties = []value{text("default", byDefault)}
	}
	return treeOf(node{nodes: []node{{name: "images", nodes: images}, c}})
}

// configurationOf returns a configuration of a FIT that names ramdisks.
func configurationOf(name, ramdisks string) node {
	return node{name: name, properties: []value{text("ramdisk", ramdisks)}}
}

// section is a section of a PE program.
type section struct {
	name string
	data string
}

const peAlign = 512 // of the sections

// peOf returns a PE program.
func peOf(sections ...section) []byte {
	const align = peAlign
	head := make([]byte, 0x40, align)
	copy(head, "MZ")
	binary.LittleEndian.PutUint32(head[0x3c:], 0x40)
	head = append(head, "PE\x00\x00\x64\x86"...)
	head = binary.LittleEndian.AppendUint16(head, uint16(len(sections)))
	head = append(head, make([]byte, 16)...)
	at := (len(head) + 40*len(sections) + align - 1) / align * align
	var body []byte
	for _, s := range sections {
		raw := (len(s.data) + align - 1) / align * align
		name := append([]byte(s.name), make([]byte, 8-len(s.name))...)
		head = append(head, name...)
		for _, n := range []int{len(s.data), 0x1000, raw, at + len(body), 0, 0, 0, 0} {
			head = binary.LittleEndian.AppendUint32(head, uint32(n))
		}
		body = append(body, s.data...)
		body = append(body, make([]byte, raw-len(s.data))...)
	}
	head = append(head, make([]byte, at-len(head))...)
	return append(head, body...)
}
