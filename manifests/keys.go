package manifests

import (
	"fmt"
	"slices"
)

// Key is a key of the manifest. It is a row of the table that the decoder, its hints and
// docs/manifest.md use. The rows of a section stand beside the code that decodes it.
type Key struct {
	Name     string
	Kind     Kind
	Required bool

	Default   string   // the value that an absent key stands for, as a manifest has it; "" for none
	Otherwise string   // what an absent key means, in words, where Default cannot say it
	Values    []string // the words that it takes; with [KindWord] it takes no other value
	Doc       string   // one sentence, for people

	Roots []RootType // the root types that it is for; nil for all
}

// These are the root types of keys that are not for all.
var (
	tmpfsOnly = []RootType{Tmpfs}
	withStub  = []RootType{Tmpfs, Bind}
)

// Kind is the kind of value that a key takes, in the words of the documentation.
type Kind string

// These are the kinds of values. docs/manifest.md explains them.
const (
	KindWord       Kind = "word" // one of Key.Values
	KindName       Kind = "name"
	KindText       Kind = "text"
	KindBool       Kind = "true or false"
	KindNumber     Kind = "number"
	KindSize       Kind = "size"
	KindDuration   Kind = "duration"
	KindMode       Kind = "mode"
	KindOwner      Kind = "owner"
	KindUser       Kind = "user"
	KindTime       Kind = "time"
	KindDevice     Kind = "major:minor"
	KindCodec      Kind = "codec"
	KindArch       Kind = "architecture"
	KindPath       Kind = "path"      // in the root
	KindHostPath   Kind = "host path" // relative to the manifest's directory
	KindLinkTarget Kind = "link target"
	KindPattern    Kind = "pattern"
	KindMapping    Kind = "mapping"
	KindXattrs     Kind = "attributes"
	KindCaps       Kind = "capabilities"
	KindTexts      Kind = "list of text"
	KindPaths      Kind = "list of paths"
	KindHostPaths  Kind = "list of host paths"
	KindPatterns   Kind = "list of patterns"
	KindMounts     Kind = "list of mounts"
	KindModules    Kind = "list of modules"
	KindItems      Kind = "list of items"
	KindAnything   Kind = "anything"

	KindArchs       Kind = "architecture, or list of them"
	KindPrograms    Kind = "Go program, or list of them"
	KindLinks       Kind = "list of paths, or a mapping"
	KindTextOrTexts Kind = "text, or list of text"
)

// Section is a mapping of the manifest with the keys that it may have.
type Section struct {
	Path string // its place: "root", "init.supervise"; "" is the top of the manifest
	Type string // for one item of contents: its type
	Keys []Key
}

// Sections returns the table of keys, in the order of a manifest.
func Sections() []Section {
	sections := []Section{
		topSection, codecSection, rootSection, selinuxSection, initSection, mountSection, initModuleSection, superviseSection, accountsSection, userSection, groupSection, earlySection, globSection, contentsSection, whenSection,
	}
	for _, t := range contentTypes {
		sections = append(sections, Section{Path: contentsSection.Path, Type: t.name, Keys: t.keys})
	}
	return append(sections, appletsSection, firmwareSection, libsSection, capabilitiesSection, xattrSection, permissionsSection, outputSection, lintSection)
}

func (s *Section) names() []string {
	var names []string
	for _, k := range s.Keys {
		names = append(names, k.Name)
	}
	return names
}

func (s *Section) has(key string) bool { return slices.Contains(s.names(), key) }

// required returns the names of the keys that a section must have.
func (s *Section) required() []string {
	var names []string
	for _, k := range s.Keys {
		if k.Required {
			names = append(names, k.Name)
		}
	}
	return names
}

// key returns the row of a key. It panics if there is none: a decoder that asks for a key
// without a row is a bug.
func (s *Section) key(name string) Key {
	i := slices.IndexFunc(s.Keys, func(k Key) bool { return k.Name == name })
	if i < 0 {
		panic(fmt.Sprintf("manifests: no key %q in the table of %q", name, s.Path))
	}
	return s.Keys[i]
}
