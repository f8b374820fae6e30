package manifests

import (
	"fmt"
	"strings"
)

// FromFile is the name for the manifests of [ForRoot] in places.
const FromFile = "<from>"

// ParseRootType reads a type of root.
func ParseRootType(text string) (RootType, error) {
	return RootType(text), rootSection.check("type", text)
}

// ParseProgram reads the path of the program that an image starts.
func ParseProgram(text string) (string, error) { return parsePath(text) }

// ForRoot returns the text of a manifest for an image of the root src, which becomes an item
// of the given type. The manifest has arch: auto. The type of the root and the program may be
// "" for the defaults: the program of a container's image is its own.
func ForRoot(contents, src string, root RootType, init string) string {
	text := "version: 1\narch: " + AutoArch + "\n"
	if root != "" {
		text += fmt.Sprintf("root: {type: %s}\n", quoted(string(root)))
	}
	switch {
	case init != "":
		text += fmt.Sprintf("init: {exec: %s}\n", quoted(init))
	case contents == "oci" && root != None:
		text += "init: {from: oci}\n"
	}
	return text + fmt.Sprintf("contents:\n  - {type: %s, src: %s, dst: /}\n", contents, quoted(src))
}

// quoted returns a word in quotes for YAML, so that it has no variables.
func quoted(word string) string {
	plain := func(r rune) bool {
		return strings.ContainsRune("/._-", r) || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	if strings.HasPrefix(word, "/") && strings.TrimFunc(word, plain) == "" {
		return word
	}
	return fmt.Sprintf("%q", strings.ReplaceAll(word, "${", "$${"))
}
