package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/mkinitfs/mkinitfs/internal/filecaps"
)

// xattrJSON is the stable form of an extended attribute's value: text if it is printable,
// else base64. Capabilities are in words, too.
type xattrJSON struct {
	Text         *string `json:"text,omitempty"`
	Base64       string  `json:"base64,omitempty"`
	Capabilities string  `json:"capabilities,omitempty"`
}

func describeXattrs(xattrs map[string]string) map[string]xattrJSON {
	if len(xattrs) == 0 {
		return nil
	}
	all := map[string]xattrJSON{}
	for name, value := range xattrs {
		var d xattrJSON
		plain := func(r rune) bool { return r != utf8.RuneError && unicode.IsPrint(r) }
		if strings.ContainsFunc(value, func(r rune) bool { return !plain(r) }) {
			d.Base64 = base64.StdEncoding.EncodeToString([]byte(value))
		} else {
			d.Text = &value
		}
		if name == filecaps.Xattr {
			if sets, err := filecaps.Decode(value); err == nil {
				d.Capabilities = sets.String()
			}
		}
		all[name] = d
	}
	return all
}

// printXattrs writes a line for each attribute, much as it would be in a manifest.
func printXattrs(w io.Writer, xattrs map[string]xattrJSON) {
	for _, name := range slices.Sorted(maps.Keys(xattrs)) {
		d := xattrs[name]
		if d.Capabilities != "" {
			name = "capabilities"
		}
		fmt.Fprintf(w, "    %s: %s\n", printable(name), d.text())
	}
}

// text returns the value as it would be in a manifest.
func (d xattrJSON) text() string {
	switch {
	case d.Capabilities != "":
		return d.Capabilities
	case d.Text != nil:
		return fmt.Sprintf("%q", *d.Text)
	}
	return fmt.Sprintf("{base64: %s}", d.Base64)
}
