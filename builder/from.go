package builder

import (
	"fmt"
	"os"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/source"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// From returns the manifest, as text, of an image of the root src, which f holds: a directory,
// a tarball or an initramfs. Its architecture is that of its program. The type of the root and
// the program may be "". f is left at its start.
func From(f *os.File, src string, root manifests.RootType, init string) (string, error) {
	kind, hint, err := source.Kind(f)
	if err != nil {
		if hint != "" {
			hint = "\n  " + hint
		}
		return "", fmt.Errorf("%s: %w%s", src, err, hint)
	}
	text := "version: 1\narch: auto\n"
	if root != "" {
		text += fmt.Sprintf("root: {type: %s}\n", quoted(string(root)))
	}
	if init != "" {
		text += fmt.Sprintf("init: {exec: %s}\n", quoted(init))
	}
	return text + fmt.Sprintf("contents:\n  - {type: %s, src: %s, dst: /}\n", kind, quoted(src)), nil
}

// RootKind returns what f is, "directory" or "tarball", if From takes it as one of these, else "".
func RootKind(f *os.File) string {
	kind, _, err := source.Kind(f)
	if err != nil {
		return ""
	}
	return map[string]string{"tree": "directory", "tar": "tarball"}[kind]
}

// quoted returns a word for YAML in which nothing is a variable.
func quoted(word string) string {
	plain := func(r rune) bool {
		return strings.ContainsRune("/._-", r) || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	if strings.HasPrefix(word, "/") && strings.TrimFunc(word, plain) == "" {
		return word
	}
	return fmt.Sprintf("%q", strings.ReplaceAll(word, "${", "$${"))
}
