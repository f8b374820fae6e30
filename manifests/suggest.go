package manifests

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Nearest returns the known word nearest to word, or "" if none is near. It allows one slip
// for every three letters, and at least one.
func Nearest(word string, known []string) string {
	best, least := "", max(1, len(word)/3)+1
	for _, k := range known {
		if n := distance(word, k); n < least {
			best, least = k, n
		}
	}
	return best
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour to get from a to b.
func distance(a, b string) int {
	row := func() []int { return make([]int, len(b)+1) }
	before, last, this := row(), row(), row()
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		this[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			this[j] = min(last[j]+1, this[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				this[j] = min(this[j], before[j-2]+1)
			}
		}
		before, last, this = last, this, before
	}
	return last[len(b)]
}

// otherWord is a word of other tools and our word for it. Two of our words have "or" between
// them.
type otherWord struct{ theirs, ours string }

// unknown returns the error for an unknown word. It suggests our word for a word of another
// tool, else the nearest known word. Without either, the hint lists all known words.
func unknown(what, word string, known []string, others ...otherWord) error {
	near := ""
	plain := strings.ToLower(strings.NewReplacer("-", "", "_", "", " ", "").Replace(word))
	for _, other := range others {
		if other.theirs == plain {
			near = strings.ReplaceAll(strconv.Quote(other.ours), " or ", `" or "`)
		}
	}
	if n := Nearest(word, known); near == "" && n != "" {
		near = strconv.Quote(n)
	}
	if near != "" {
		return fmt.Errorf("unknown %s %s (did you mean %s?)", what, quote(word), near)
	}
	return advise("known: "+strings.Join(known, ", "), "unknown %s %s", what, quote(word))
}

// otherKeys are words that other tools have for keys.
var otherKeys = []otherWord{
	{"source", "src"}, {"from", "src"}, {"file", "src"}, {"path", "dst"}, {"destination", "dst"}, {"to", "dst"},
	{"text", "content"}, {"data", "content"}, {"permissions", "mode"}, {"perm", "mode"},
	{"if", "when"},
}

// unknownKey returns the error for a key that a section does not have.
func unknownKey(where, key string, known []string) error {
	what := "key in " + where + ":"
	if spaced := spaceColon(key, known...); spaced != "" {
		return advise("write a space after the colon: "+strconv.Quote(spaced), "unknown %s %s", what, quote(key))
	}
	if strings.HasPrefix(key, "x-") {
		return advise("keys x-NAME are free at the top of the manifest only", "unknown %s %s", what, quote(key))
	}
	var others []otherWord
	for _, other := range otherKeys {
		if slices.Contains(known, other.ours) {
			others = append(others, other)
		}
	}
	return unknown(what, key, known, others...)
}

// spaceColon returns "key: value" for the text "key:value", which is one word to YAML, if
// key is one of keys. Otherwise it returns "".
func spaceColon(text string, keys ...string) string {
	key, value, found := strings.Cut(text, ":")
	if !found || !slices.Contains(keys, key) {
		return ""
	}
	return key + ": " + value
}
