package image

import (
	"cmp"
	"slices"
	"strings"
)

// Leaves returns the shares that have bytes of their own, largest packed size first.
func (u *Use) Leaves() []Share {
	shares := u.Heaviest(len(u.Root))
	return slices.DeleteFunc(shares, func(s Share) bool { return s.Size == 0 })
}

// Directories returns the directories down to a depth, each with the sum of everything below
// it. A directory comes before those in it, and a larger one before a smaller one beside it.
// The root has depth 0.
func (u *Use) Directories(depth int) []Share {
	sums := map[string]*Share{}
	for _, s := range u.Root {
		dir := s.Path
		if !s.Dir {
			dir = parentDir(dir)
		}
		for level := strings.Count(dir, "/"); level > depth && dir != "/"; level-- {
			dir = parentDir(dir) // deeper ones are not shown, and an image may have very many
		}
		for ; ; dir = parentDir(dir) {
			sum := sums[dir]
			if sum == nil {
				sum = &Share{Path: dir}
				sums[dir] = sum
			}
			sum.Size += s.Size
			sum.Packed += s.Packed
			if dir == "/" {
				break
			}
		}
	}
	below := map[string][]*Share{}
	for dir, sum := range sums {
		if dir != "/" {
			below[parentDir(dir)] = append(below[parentDir(dir)], sum)
		}
	}
	var list []Share
	var add func(sum *Share)
	add = func(sum *Share) {
		list = append(list, *sum)
		children := below[sum.Path]
		slices.SortFunc(children, func(a, b *Share) int {
			return cmp.Or(cmp.Compare(b.Packed, a.Packed), cmp.Compare(b.Size, a.Size), strings.Compare(a.Path, b.Path))
		})
		for _, child := range children {
			add(child)
		}
	}
	if root := sums["/"]; root != nil {
		add(root)
	}
	return list
}

// parentDir returns the directory of an absolute, clean path. That of "/" is "/".
func parentDir(path string) string { return path[:max(strings.LastIndexByte(path, '/'), 1)] }
