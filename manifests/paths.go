package manifests

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

const (
	maxPath  = cpio.PathMax - 1 // without the NUL; the kernel drops longer ones in silence
	reserved = "/" + bootplan.Dir
)

// parsePath reads a path in the root: absolute and clean.
func parsePath(text string) (string, error) {
	if _, err := parseWord(text); err != nil {
		return "", err
	}
	if text[0] != '/' {
		return "", errors.New("not absolute")
	}
	if clean := path.Clean(text); clean != text {
		return "", fmt.Errorf("not clean, write %q", clean)
	}
	if len(text) > maxPath {
		return "", fmt.Errorf("longer than %d bytes", maxPath)
	}
	for name := range strings.SplitSeq(text, "/") {
		if len(name) > cpio.NameMax {
			return "", fmt.Errorf("a name in it is longer than %d bytes", cpio.NameMax)
		}
	}
	return text, nil
}

// parseNewPath reads the path of an entry that is added to the root.
func parseNewPath(text string) (string, error) {
	name, err := parsePath(text)
	switch {
	case err != nil:
		return "", err
	case name == "/":
		return "", errors.New("the root is there already")
	case name == reserved || strings.HasPrefix(name, reserved+"/"):
		return "", fmt.Errorf("%s belongs to the boot stub", reserved)
	case path.Base(name) == cpio.Trailer:
		return "", errors.New("this name ends an archive")
	}
	return name, nil
}

// parseRdinit reads a path of the stub other than /init.
func parseRdinit(text string) (string, error) {
	name, err := parseNewPath(text)
	switch {
	case err != nil:
		return "", err
	case name == "/init":
		return "", errors.New("the kernel finds the stub there anyway, leave it out")
	case name == "/dev" || name == "/dev/console" || name == "/dev/null":
		return "", errors.New("the stub needs what is there")
	}
	return name, nil
}

// destination is the path of an entry, or of a directory for it.
type destination struct {
	path      string
	directory bool // written with a slash at the end
}

func parseDestination(text string) (destination, error) {
	if text == "/" {
		return destination{"/", true}, nil
	}
	name, directory := strings.CutSuffix(text, "/")
	if strings.HasSuffix(name, "/") {
		name = text // two slashes are refused, like those in the middle
	}
	name, err := parseNewPath(name)
	return destination{name, directory}, err
}

// parseTarget reads the target of a symbolic link.
func parseTarget(text string) (string, error) {
	if len(text) > maxPath {
		return "", fmt.Errorf("longer than %d bytes", maxPath)
	}
	return parseWord(text)
}

// parsePattern reads a pattern over the paths of the root.
func parsePattern(text string) (string, error) {
	if _, err := parseWord(text); err != nil {
		return "", err
	}
	if text[0] != '/' {
		return "", errors.New("not absolute")
	}
	return text, checkPattern(text)
}

// parseExclude reads a pattern over paths relative to the top of a tree.
func parseExclude(text string) (string, error) {
	if _, err := parseWord(text); err != nil {
		return "", err
	}
	return strings.TrimPrefix(text, "/"), checkPattern("/" + strings.TrimPrefix(text, "/"))
}

var errPattern = errors.New("not a pattern: [, { or \\ without its end, or } without its start")

// checkPattern returns an error for an invalid pattern, and for one that matches no clean
// path.
func checkPattern(pattern string) error {
	if !doublestar.ValidatePattern(pattern) {
		return errPattern
	}
	switch clean := path.Clean(pattern); {
	case clean == "/":
		return errors.New("no pattern means the root itself")
	case clean != pattern:
		return fmt.Errorf("not clean, write %q", clean)
	}
	return nil
}

// plainSource returns the path in src if src is not a pattern. A \ makes a special character
// an ordinary one.
func plainSource(src string) (name string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(src); i++ {
		switch {
		case strings.IndexByte(`*?[{`, src[i]) >= 0:
			return "", false
		case src[i] == '\\' && i+1 < len(src):
			i++
		}
		b.WriteByte(src[i])
	}
	return b.String(), true
}

// join returns src as a path of the host. A relative src begins at dir.
func join(dir, src string) string {
	if filepath.IsAbs(src) {
		return filepath.Clean(src)
	}
	return filepath.Join(dir, src)
}

// joinPattern is join for a pattern. It escapes special characters in dir.
func joinPattern(dir, src string) string {
	literal := strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `{`, `\{`, `\`, `\\`)
	return join(literal.Replace(dir), src)
}
