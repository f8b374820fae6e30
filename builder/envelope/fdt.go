package envelope

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Tokens of the structure block of a flattened device tree (Devicetree Specification 0.4,
// chapter 5), all of them big endian and aligned to 4.
const (
	fdtBeginNode = 1
	fdtEndNode   = 2
	fdtProperty  = 3
	fdtNop       = 4
	fdtEnd       = 9
)

const (
	fdtHeaderSize = 40
	// The specification limits names of nodes to 31 bytes. U-Boot has no limit.
	fdtMostName  = 127
	fdtMostDepth = 64
)

// fdt is a flattened device tree at the start of a file. It is not kept in memory, because a
// property of a FIT may hold a whole image.
type fdt struct {
	size       int64 // of the tree
	structures *view
	strings    *view
}

// property is a property of a node.
type property struct {
	name   string
	offset int64 // of its value, in the file
	size   int64
}

func openFDT(w *view) (*fdt, error) {
	b, err := w.bytes(0, fdtHeaderSize)
	if err != nil {
		return nil, cut(err, "the header of a device tree or FIT image")
	}
	field := func(i int) int64 { return int64(binary.BigEndian.Uint32(b[4*i:])) }
	total, structures, names, version, compatible := field(1), field(2), field(3), field(5), field(6)
	namesSize, structuresSize := field(8), field(9)
	switch {
	case version < 16:
		return nil, fmt.Errorf("a device tree of version %d, of which only 16 and 17 are known", version)
	case compatible > 17:
		return nil, fmt.Errorf("a device tree for readers of version %d, of which only 16 and 17 are known", compatible)
	case total > w.size:
		return nil, fmt.Errorf("the file ends in a device tree: it has %d bytes of %d", w.size, total)
	case version == 16:
		structuresSize = total - structures // it has no field for that
	}
	if structures%4 != 0 || structures > total || structuresSize > total-structures || names > total || namesSize > total-names {
		return nil, errors.New("a damaged device tree: a block in it lies outside of it")
	}
	return &fdt{total, newView(w.r, structures, structuresSize), newView(w.r, names, namesSize)}, nil
}

// walk calls visit for every node and every property, with the names of the nodes on the path
// below the root. For a node itself the property's name is empty.
func (t *fdt) walk(visit func(path []string, p property) error) error {
	var path []string // the root's empty name included
	for at := int64(0); ; {
		token, err := t.number(at)
		if err != nil {
			return err
		}
		at += 4
		switch token {
		case fdtBeginNode:
			name, err := t.structures.text(at, fdtMostName)
			if err != nil {
				return damagedTree(err, fmt.Sprintf("a node without a name of at most %d bytes", fdtMostName))
			}
			if len(path) == fdtMostDepth {
				return fmt.Errorf("a device tree with nodes more than %d deep", fdtMostDepth)
			}
			at += int64(len(name)) + 1
			path = append(path, printable(name))
			if err := visit(path[1:], property{}); err != nil {
				return err
			}
		case fdtEndNode:
			if len(path) == 0 {
				return errors.New("a damaged device tree: a node ends that did not begin")
			}
			path = path[:len(path)-1]
		case fdtProperty:
			p, err := t.property(at)
			if err != nil {
				return err
			}
			if len(path) == 0 {
				return errors.New("a damaged device tree: a property outside of nodes")
			}
			at += 8 + p.size
			if err := visit(path[1:], p); err != nil {
				return err
			}
		case fdtNop:
		case fdtEnd:
			if len(path) > 0 {
				return errors.New("a damaged device tree: it ends in a node")
			}
			return nil
		default:
			return fmt.Errorf("a damaged device tree: the token %#x in it", token)
		}
		at = (at + 3) &^ 3
	}
}

// property returns the property that begins, with its size, at an offset of the structure
// block.
func (t *fdt) property(at int64) (property, error) {
	size, err := t.number(at)
	if err != nil {
		return property{}, err
	}
	offset, err := t.number(at + 4)
	if err != nil {
		return property{}, err
	}
	name, err := t.strings.text(int64(offset), fdtMostName)
	if err != nil {
		return property{}, damagedTree(err, "a property without a name")
	}
	if int64(size) > t.structures.size-at-8 {
		return property{}, fmt.Errorf("a damaged device tree: the property %s is longer than the tree", printable(name))
	}
	return property{string(name), t.structures.begin + at + 8, int64(size)}, nil
}

func (t *fdt) number(at int64) (uint32, error) {
	b, err := t.structures.bytes(at, 4)
	if err != nil {
		return 0, damagedTree(err, "it has no end")
	}
	return binary.BigEndian.Uint32(b), nil
}

// damagedTree describes the damage if a block of the tree is too short. It returns other errors
// unchanged.
func damagedTree(err error, words string) error {
	if err == errCut {
		return errors.New("a damaged device tree: " + words)
	}
	return err
}
