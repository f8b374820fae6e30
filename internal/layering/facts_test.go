package layering

import (
	"fmt"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// facts are known in one package each. A row matches the tokens that show the fact in source: a
// name, a number, or a string, as a quote and its bytes. Comments and tests do not count. The
// commit that adds a package to a row says why the package cannot ask the first one.
var facts = []struct {
	what    string
	pattern string // regular expression over one token
	known   string // by these packages: the home first, then those that stand apart
}{
	{"how an ELF file is laid out", `^"debug/elf$`,
		"internal/arch internal/elfdeps internal/elftest builder/lint internal/kmod internal/kmod/kmodtest"}, // what loaders and the kernel read beside the header; modules are made of sections
	{"an architecture", `^"(mips|mipsle|mips64|mips64le|ppc64|ppc64le|riscv64|loong64|s390x|arm/v[567])$`,
		"internal/arch builder/stub/init internal/qemu builder/layout internal/guest"}, // headers of kernels; what Debian's kernels take; serial ports
	{"a codec", `^"(lz4|xz|bzip2|lzma|lzo)$`,
		"compress builder/stub/init internal/corpus internal/bench"},
	{"the magic of a codec", `^"(\x1f\x8b|\x28\xb5\x2f\xfd|\xfd7zXZ|\x02\x21\x4c\x18|\x04\x22\x4d\x18|BZh|\x5d\x00|\x89LZO)`,
		"compress compress/lzo compress/xz internal/corpus"},
	{"the magic of another format", `^"(\x7fELF|!<arch>|hsqs|sqsh|ANDROID!|PK\x03\x04|ustar|\x27\x05\x19\x56|\xd0\x0d\xfe\xed|\xed\xab\xee\xdb)`,
		"internal/magic builder/stub/init internal/corpus"},
	{"the header of newc", `^"0707`,
		"builder/cpio compress internal/magic internal/corpus"},
	{"the trailer of an archive", `^"TRAILER!!!`,
		"builder/cpio internal/corpus"},
	{"what the image needs for itself", `^"/?\.mkinitfs$`,
		"builder/bootplan"},
	{"the name spaces of extended attributes", `^"(security\.|system\.posix_acl_)`,
		"internal/xattr builder/stub/init internal/guest"},
	{"the options of a mount", `^MS_(SYNCHRONOUS|DIRSYNC|NOATIME|NODIRATIME|RELATIME|STRICTATIME)$`,
		"builder/bootplan"},
	{"how many links a path may lead through", `^max(Sym)?[lL]inks$`,
		"builder/stub/init"}, // internal/follow exports it
	{"how long a path may be", `^409[56]$|^(maxPath|pathMax)$`,
		"builder/cpio builder/lint builder/stub/init internal/corpus internal/faults manifests"}, // some read a page of a file
}

// TestFacts holds the source against the table.
func TestFacts(t *testing.T) {
	const root = "../.."
	patterns := compile()
	found := make([][]string, len(facts)) // the packages that know each fact
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || len(d.Name()) > 2 && d.Name()[0] == '.'):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, filepath.Dir(path))
		for i, where := range knows(patterns, source) {
			if where == "" {
				continue
			}
			found[i] = append(found[i], name)
			if !slices.Contains(strings.Fields(facts[i].known), name) {
				t.Errorf("%s:%s knows %s, which only %s may", path, where, facts[i].what, strings.ReplaceAll(facts[i].known, " ", ", "))
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, fact := range facts {
		for _, name := range strings.Fields(fact.known) {
			if !slices.Contains(found[i], name) {
				t.Errorf("%s does not know %s any more", name, fact.what)
			}
		}
	}
}

func compile() []*regexp.Regexp {
	var patterns []*regexp.Regexp
	for _, fact := range facts {
		patterns = append(patterns, regexp.MustCompile(fact.pattern))
	}
	return patterns
}

// knows returns, for each fact, the first place in source that shows it, as "LINE: TOKEN", or
// "".
func knows(patterns []*regexp.Regexp, source []byte) []string {
	where := make([]string, len(facts))
	file := token.NewFileSet().AddFile("", -1, len(source))
	var s scanner.Scanner
	s.Init(file, source, nil, 0)
	for {
		pos, kind, text := s.Scan()
		switch kind {
		case token.EOF:
			return where
		case token.STRING:
			if unquoted, err := strconv.Unquote(text); err == nil {
				text = `"` + unquoted
			}
		case token.IDENT, token.INT:
		default:
			continue
		}
		for i, pattern := range patterns {
			if where[i] == "" && pattern.MatchString(latin(text)) {
				where[i] = fmt.Sprintf("%d: %q", file.Line(pos), text)
			}
		}
	}
}

// latin turns every byte into the character of its number: regular expressions know
// characters, and magics are bytes.
func latin(text string) string {
	runes := make([]rune, len(text))
	for i := range len(text) {
		runes[i] = rune(text[i])
	}
	return string(runes)
}

// TestFactsAreSeen holds the test itself: it sees each fact in made-up source, and none in
// a comment.
func TestFactsAreSeen(t *testing.T) {
	for source, want := range map[string]string{
		`import "debug/elf"`:                             "how an ELF file is laid out",
		`var big = []string{"s390x"}`:                    "an architecture",
		`case "xz":`:                                     "a codec",
		`const gz = "\x1f\x8b\x08"`:                      "the magic of a codec",
		"const gz = \"\x1f\\213\"":                       "the magic of a codec",
		`bytes.HasPrefix(b, []byte("!<arch>\n"))`:        "the magic of another format",
		`if magic == "070701" {`:                         "the header of newc",
		`"TRAILER!!!"`:                                   "the trailer of an archive",
		`path.Join("/.mkinitfs", name)`:                  "what the image needs for itself",
		`strings.HasPrefix(name, "security.")`:           "the name spaces of extended attributes",
		`{"noatime", unix.MS_NOATIME},`:                  "the options of a mount",
		`const maxLinks = 40`:                            "how many links a path may lead through",
		`if len(name) > 4095 {`:                          "how long a path may be",
		`// debug/elf, "\x1f\x8b", maxLinks, "xz", 4096`: "",
		`"axz, debug/elf and ELF"; maxLinksOfMine`:       "",
	} {
		var got []string
		for i, where := range knows(compile(), []byte("package x\n"+source)) {
			if where != "" {
				got = append(got, facts[i].what)
			}
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: got %q, want %q", source, got, want)
		}
	}
}
