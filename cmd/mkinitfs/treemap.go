package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"io"
	"os"
	"path"

	"github.com/mkinitfs/mkinitfs/builder/image"
)

// treemapPage is the page of size --html. It loads no script or font from anywhere.
//
//go:embed treemap.html
var treemapPage []byte

// mapNode is a part of the map in the form that the page reads. The sizes of a directory are
// its own; the page adds up.
type mapNode struct {
	Name   string     `json:"n"`
	Raw    int64      `json:"s,omitempty"`
	Packed int64      `json:"p,omitempty"`
	Rest   bool       `json:"rest,omitempty"` // not of the root
	In     []*mapNode `json:"c,omitempty"`
}

// writeTreemap writes the page to a file, or to standard output for "-".
func writeTreemap(stdout io.Writer, file, name string, u *image.Use) error {
	data, err := json.Marshal(treemap(name, u)) // escapes characters that could end the script
	if err != nil {
		return err
	}
	page := bytes.Replace(treemapPage, []byte("DATA"), data, 1)
	if file == "-" {
		_, err = stdout.Write(page)
		return err
	}
	return os.WriteFile(file, page, 0o666)
}

func treemap(name string, u *image.Use) *mapNode {
	nodes := map[string]*mapNode{"/": {Name: "/"}}
	var node func(at string) *mapNode
	node = func(at string) *mapNode {
		if n := nodes[at]; n != nil {
			return n
		}
		n := &mapNode{Name: printable(path.Base(at))}
		nodes[at] = n
		above := node(path.Dir(at))
		above.In = append(above.In, n)
		return n
	}
	for _, s := range u.Root {
		n := node(s.Path)
		n.Raw, n.Packed = s.Size, s.Packed
	}
	top := &mapNode{Name: printable(name), In: []*mapNode{
		nodes["/"],
		{Name: "the stub and its plan", Packed: u.Boot, Rest: true},
		{Name: "headers and padding", Packed: u.Rest(), Rest: true},
	}}
	if u.Early > 0 {
		top.In = append(top.In, &mapNode{Name: earlyFiles, Packed: u.Early, Rest: true})
	}
	return top
}
