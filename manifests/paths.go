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
	maxPath = cpio.PathMax - 1 // without the NUL; the kernel drops longer ones in silence
	own     = "/" + bootplan.Dir
)

// parsePath reads the path of something in the root: absolute and clean.
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

// parseNewPath reads a path that something is put at.
func parseNewPath(text string) (string, error) {
	name, err := parsePath(text)
	switch {
	case err != nil:
		return "", err
	case name == "/":
		return "", errors.New("the root is there already")
	case name == own || strings.HasPrefix(name, own+"/"):
		return "", fmt.Errorf("%s belongs to the boot stub", own)
	case path.Base(name) == cpio.Trailer:
		return "", errors.New("this name ends an archive")
	}
	return name, nil
}

// parseRdinit reads a name for the stub beside /init.
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

// place is a destination: a path, or a directory that something is put into.
type place struct {
	path      string
	directory bool // written with a slash at the end
}

func parsePlace(text string) (place, error) {
	if text == "/" {
		return place{"/", true}, nil
	}
	name, directory := strings.CutSuffix(text, "/")
	if strings.HasSuffix(name, "/") {
		name = text // two slashes are refused, like those in the middle
	}
	name, err := parseNewPath(name)
	return place{name, directory}, err
}

// parseTarget reads where a symbolic link points: anything that fits.
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

// parseExclude reads a pattern over paths below the top of a tree.
func parseExclude(text string) (string, error) {
	if _, err := parseWord(text); err != nil {
		return "", err
	}
	return strings.TrimPrefix(text, "/"), checkPattern("/" + strings.TrimPrefix(text, "/"))
}

var errPattern = errors.New("not a pattern: [, { or \\ without its end, or } without its start")

// checkPattern refuses what is no pattern, and what cannot match a clean path.
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

// plainSource returns the file that src names when it is no pattern, that is,
// when \ stands before each character that would make it one.
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

// join returns the host's path of src, which is relative to dir.
func join(dir, src string) string {
	if filepath.IsAbs(src) {
		return filepath.Clean(src)
	}
	return filepath.Join(dir, src)
}

// joinPattern is join for a pattern. What looks like a pattern in the name of
// the directory is none.
func joinPattern(dir, src string) string {
	literal := strings.NewReplacer(`*`, `\*`, `?`, `\?`, `[`, `\[`, `{`, `\{`, `\`, `\\`)
	return join(literal.Replace(dir), src)
}
