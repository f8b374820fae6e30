package image

import (
	"slices"
	"testing"
)

func TestDirectories(t *testing.T) {
	u := &Use{Root: []Share{
		{Path: "/", Dir: true, Packed: 1}, {Path: "/a", Dir: true, Packed: 2}, {Path: "/a/b/c/d", Size: 5, Packed: 4},
		{Path: "/a/x", Size: 1, Packed: 1}, {Path: "/z/y", Size: 9, Packed: 20}, {Path: "/empty"},
	}}
	for depth, want := range [][]Share{
		{{Path: "/", Size: 15, Packed: 28}},
		{{Path: "/", Size: 15, Packed: 28}, {Path: "/z", Size: 9, Packed: 20}, {Path: "/a", Size: 6, Packed: 7}},
		{{Path: "/", Size: 15, Packed: 28}, {Path: "/z", Size: 9, Packed: 20}, {Path: "/a", Size: 6, Packed: 7}, {Path: "/a/b", Size: 5, Packed: 4}},
	} {
		if got := u.Directories(depth); !slices.Equal(got, want) {
			t.Errorf("depth %d: got %+v, want %+v", depth, got, want)
		}
	}
	want := []Share{{Path: "/z/y", Size: 9, Packed: 20}, {Path: "/a/b/c/d", Size: 5, Packed: 4}, {Path: "/a/x", Size: 1, Packed: 1}}
	if got := u.Leaves(); !slices.Equal(got, want) {
		t.Errorf("leaves: got %+v, want %+v", got, want)
	}
}
