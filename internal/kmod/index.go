package kmod

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// An index of libkmod is a trie over keys of 7-bit characters. All numbers are 32-bit and
// big-endian. The file begins with a magic number, the version of the format and a pointer to
// the root. The upper four bits of a pointer say which parts its node has:
//
//   - a prefix, which ends with a NUL: the characters that all keys below have in common;
//   - children: the first and the last character that goes on, one byte each, and a pointer for
//     every character from first to last, 0 where there is no child;
//   - values: their number, then each as its priority and a text that ends with a NUL.
//
// The character that leads to a child is not a part of the child's prefix. depmod writes children
// before their parent up to version 33, and after it from then on. Readers follow the pointers.
const (
	indexMagic   = 0xb007f457
	indexVersion = 2<<16 | 1

	hasPrefix   = 1 << 31
	hasValues   = 1 << 30
	hasChildren = 1 << 29
)

// record is a value in an index. A smaller priority comes first. Of equal priorities the one
// that was added last comes first.
type record struct {
	key, value string
	priority   uint32
}

// index returns an index of records. A key or value with a character above 0x7f is an error,
// because no index can hold it.
func index(records []record) ([]byte, error) {
	for _, r := range records {
		if err := plainASCII(r.key); err != nil {
			return nil, err
		}
		if err := plainASCII(r.value); err != nil {
			return nil, err
		}
	}
	sorted := slices.Clone(records)
	slices.Reverse(sorted)
	slices.SortStableFunc(sorted, func(a, b record) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.priority, b.priority))
	})
	out := number(nil, indexMagic)
	out = number(out, indexVersion)
	out = number(out, 0) // becomes the pointer to the root
	out, root := node(out, sorted, 0, true)
	binary.BigEndian.PutUint32(out[8:], root)
	return out, nil
}

func plainASCII(text string) error {
	for i := range len(text) {
		if text[i] >= 0x80 || text[i] == 0 {
			return fmt.Errorf("%q: the indexes of modprobe hold ASCII only", text)
		}
	}
	return nil
}

func number(out []byte, n uint32) []byte { return binary.BigEndian.AppendUint32(out, n) }

// node appends the node for sorted records, whose keys are equal up to position at, and returns
// a pointer to it. The root has no prefix.
func node(out []byte, records []record, at int, root bool) ([]byte, uint32) {
	end := at
	if !root {
		// In sorted keys, a prefix of the first and the last is one of all.
		first, last := records[0].key, records[len(records)-1].key
		for end < len(first) && end < len(last) && first[end] == last[end] {
			end++
		}
	}
	values := 0
	for values < len(records) && len(records[values].key) == end {
		values++
	}
	out, children := nodes(out, records[values:], end)
	pointer := uint32(len(out))
	if end > at {
		pointer |= hasPrefix
		out = append(append(out, records[0].key[at:end]...), 0)
	}
	if rest := records[values:]; len(rest) > 0 {
		pointer |= hasChildren
		first, last := rest[0].key[end], rest[len(rest)-1].key[end]
		out = append(out, first, last)
		for c := int(first); c <= int(last); c++ {
			out = number(out, children[byte(c)])
		}
	}
	if values > 0 {
		pointer |= hasValues
		out = number(out, uint32(values))
		for _, r := range records[:values] {
			out = number(out, r.priority)
			out = append(append(out, r.value...), 0)
		}
	}
	return out, pointer
}

// nodes appends a node for each character that stands at position at of the keys.
func nodes(out []byte, records []record, at int) ([]byte, map[byte]uint32) {
	children := map[byte]uint32{}
	for len(records) > 0 {
		c := records[0].key[at]
		n := 1
		for n < len(records) && records[n].key[at] == c {
			n++
		}
		out, children[c] = node(out, records[:n], at+1, false)
		records = records[n:]
	}
	return out, children
}
