package kmod

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// IsPattern reports whether text has a special character of a pattern.
func IsPattern(text string) bool { return strings.ContainsAny(text, "*?[") }

// MatchAlias reports whether pattern matches text. Both are normalized. An alias of a module is
// a pattern for the names that the kernel asks for, and the text that a user's pattern means.
func MatchAlias(pattern, text string) bool {
	pattern, err := normalizeAlias(pattern)
	if err != nil {
		return false
	}
	if text, err = normalizeAlias(text); err != nil {
		return false
	}
	// A * of fnmatch(3) matches slashes, too.
	slashes := strings.NewReplacer("/", "\x01")
	ok, err := path.Match(slashes.Replace(pattern), slashes.Replace(text))
	return ok && err == nil
}

var errBracket = errors.New("a bracket without its counterpart")

// normalizeAlias turns each - into _, except in brackets, where it marks a range.
func normalizeAlias(alias string) (string, error) {
	var b strings.Builder
	for alias != "" {
		i := strings.IndexAny(alias, "[]")
		if i < 0 {
			break
		}
		end := strings.IndexByte(alias[i:], ']')
		if alias[i] == ']' || end < 0 {
			return "", errBracket
		}
		b.WriteString(Normalize(alias[:i]))
		b.WriteString(alias[i : i+end+1])
		alias = alias[i+end+1:]
	}
	return b.String() + Normalize(alias), nil
}

// Since reports whether a kernel has at least a version. A release without a version at its start
// counts as new.
func Since(release string, major, minor int) bool {
	var x, y int
	if n, _ := fmt.Sscanf(release, "%d.%d", &x, &y); n < 2 {
		return true
	}
	return x > major || x == major && y >= minor
}
