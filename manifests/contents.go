package manifests

import (
	"errors"
	"slices"
)

// Content is one item of contents: a [*File], [*Dir], [*Symlink], [*Hardlink], [*Char],
// [*Block], [*FIFO], [*Socket], [*Tree], [*Tar], [*Cpio], [*List], [*Modules], [*OCI] or [*Go].
type Content interface {
	Common() *Item
	Type() string              // the word for it in a manifest
	check(root RootType) error // returns an error if no manifest file could have this item in a root of that type
}

// Item has the fields that every item of contents has.
type Item struct {
	Pos     Pos
	Dst     string // absolute and clean
	Replace bool   // take the place of an entry added earlier
	Libs    *Libs  // the libraries that come along; nil for none
}

// Common returns i. Types that embed an Item get this method from it.
func (i *Item) Common() *Item { return i }

// contentType is a row of the table of types.
type contentType struct {
	name string // the word for type
	keys []Key  // beside type
	read func(*object) Content
}

// contentTypes are the types of contents. A new type is a row here, a row in source.Of,
// and a file in each of the two packages.
var contentTypes = []contentType{
	{"file", fileKeys, readFile},
	{"dir", dirKeys, readDir},
	{"symlink", symlinkKeys, readSymlink},
	{"hardlink", hardlinkKeys, readHardlink},
	{"char", charKeys, readChar},
	{"block", blockKeys, readBlock},
	{"fifo", fifoKeys, readFIFO},
	{"socket", socketKeys, readSocket},
	{"tree", treeKeys, readTree},
	{"tar", tarKeys, readTar},
	{"cpio", cpioKeys, readCpio},
	{"list", listKeys, readList},
	{"modules", modulesKeys, readModules},
	{"oci", ociKeys, readOCI},
	{"go", goKeys, readGo},
}

var contentsSection = Section{Path: "contents", Keys: []Key{
	{Name: "type", Kind: KindWord, Required: true, Values: typeNames(), Doc: "The type of the item. It decides about the other keys."},
	{Name: "when", Kind: KindMapping, Otherwise: "always", Doc: "Conditions of the item, which is left out unless all of them hold."},
}}

// otherTypes are words that other tools have for types of contents.
var otherTypes = []otherWord{
	{"directory", "dir"}, {"folder", "dir"}, {"mkdir", "dir"},
	{"link", "symlink or hardlink"}, {"symbolic", "symlink"}, {"softlink", "symlink"}, {"slink", "symlink"},
	{"device", "char or block"}, {"dev", "char or block"}, {"node", "char or block"}, {"nod", "char or block"},
	{"pipe", "fifo"}, {"sock", "socket"},
	{"archive", "tar or cpio"}, {"tarball", "tar"}, {"tgz", "tar"}, {"copy", "file or tree"}, {"rootfs", "tree, tar or cpio"},
	{"initrd", "cpio"}, {"initramfs", "cpio"}, {"image", "cpio or oci"}, {"newc", "cpio"},
	{"module", "modules"}, {"kmod", "modules"}, {"kernel", "modules"}, {"drivers", "modules"}, {"driver", "modules"},
	{"docker", "oci"}, {"container", "oci"},
	{"golang", "go"}, {"program", "file or go"}, {"binary", "file or go"},
}

var errNoType = errors.New("an item of contents needs type")

// content decodes one item of contents and appends it to items.
func (d *decoder) content(n *node, items *[]Content) {
	if n.kind != mapping {
		d.want(n, "a mapping", "contents")
		return
	}
	word, ok := d.peek(n, &contentsSection, "type")
	if !ok {
		for _, f := range n.fields {
			if spaceColon(f.key, "type") != "" {
				d.add(f.pos, unknownKey("contents", f.key, []string{"type"}))
				return
			}
		}
		d.add(n.pos, advise(guessType(n), "%w", errNoType))
		return
	}
	t, ok := take(d, word.val, "type", findType)
	if !ok {
		return
	}
	o := d.object(n, t.name, t.section())
	o.require(t.name)
	*items = append(*items, t.read(o))
}

// section returns all keys of an item of the type.
func (t contentType) section() *Section {
	return &Section{Path: contentsSection.Path, Type: t.name, Keys: slices.Concat(contentsSection.Keys, t.keys)}
}

func typeNames() []string {
	var names []string
	for _, t := range contentTypes {
		names = append(names, t.name)
	}
	return names
}

func findType(name string) (contentType, error) {
	for _, t := range contentTypes {
		if t.name == name {
			return t, nil
		}
	}
	return contentType{}, unknown("type", name, typeNames(), otherTypes...)
}

// guessType returns a hint with the types that have the keys of n.
func guessType(n *node) string {
	var fit string
	for _, t := range contentTypes {
		s := Section{Keys: t.keys}
		known := s.names()
		fits := !slices.ContainsFunc(s.required(), func(key string) bool { _, ok := n.field(key); return !ok })
		for _, f := range n.fields {
			fits = fits && slices.Contains(known, f.key)
		}
		if fits {
			fit += ", " + t.name
		}
	}
	if fit == "" {
		return ""
	}
	return "its keys are those of " + fit[len(", "):]
}
