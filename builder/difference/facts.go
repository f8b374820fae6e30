package difference

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/compress"
)

// None is the value of a fact about a missing part.
const None = "none"

// Fact is something about an image that is not an entry, in words.
type Fact struct{ Name, Value string }

// FactChange is a fact that differs. A value is "" on a side that lacks the fact.
type FactChange struct{ Name, A, B string }

// Facts compares two lists of facts. The differences are in the order of the longer list.
func Facts(a, b []Fact) (found []FactChange) {
	values := func(facts []Fact) map[string]string {
		all := map[string]string{}
		for _, f := range facts {
			all[f.Name] = f.Value
		}
		return all
	}
	inA, inB := values(a), values(b)
	order := a
	if len(b) > len(a) {
		order = b
	}
	for _, f := range order {
		if x, y := inA[f.Name], inB[f.Name]; x != y {
			found = append(found, FactChange{f.Name, x, y})
		}
	}
	return found
}

// plans compares two boot plans, which are nil for an image without a stub.
func plans(a, b *bootplan.Plan) []FactChange {
	switch {
	case a == nil && b == nil:
		return nil
	case a == nil || b == nil:
		return []FactChange{{"stub", stubText(a), stubText(b)}}
	}
	x, y := *a, *b
	if x.Xattrs == "" || y.Xattrs == "" {
		x.Xattrs, y.Xattrs = "", "" // a root without them decides nothing
	}
	return Facts(PlanFacts(&x), PlanFacts(&y))
}

func stubText(p *bootplan.Plan) string {
	if p == nil {
		return None
	}
	return fmt.Sprintf("%s root, starts %s", p.Root, p.Exec)
}

// PlanFacts returns the settings of a boot plan, in words. It leaves out numbers, sizes and sums,
// because they follow from the root and its packing.
func PlanFacts(p *bootplan.Plan) []Fact {
	supervision := None
	if p.OnExit != "" {
		supervision = fmt.Sprintf("%s when the program ends, first restart after %d ms", p.OnExit, p.Delay)
	}
	var mounts, modules, names []string
	for _, m := range p.Mounts {
		mounts = append(mounts, fmt.Sprintf("%s (%s %s %s)", m.Target, m.Type, m.Source, cmp.Or(m.Options, "without options")))
	}
	for _, m := range p.Modules {
		text := m.Path
		if m.Required {
			text += " (required)"
		}
		modules = append(modules, text)
	}
	for _, r := range p.Rdinit {
		if r.Name != "" {
			names = append(names, r.Name)
		}
	}
	inodes := "auto"
	if p.Inodes > 0 {
		inodes = strconv.FormatInt(p.Inodes, 10)
	}
	return []Fact{
		{"root type", p.Root},
		{"architecture", p.Arch},
		{"payload codec", p.Payload},
		{"program", p.Exec},
		{"arguments", list(p.Args)},
		{"environment", list(p.Env)},
		{"user", userText(p)},
		{"working directory", cmp.Or(p.Workdir, "/")},
		{"mounts", strings.Join(orNone(mounts), ", ")},
		{"modules", strings.Join(orNone(modules), ", ")},
		{"size of the root", cmp.Or(p.Size, "auto")},
		{"inodes of the root", inodes},
		{"archives behind the image", p.Extra},
		{"extended attributes", cmp.Or(p.Xattrs, None)},
		{"SELinux policy", cmp.Or(p.SELinux, None)},
		{"on error", p.OnError},
		{"kernel command line", p.Cmdline},
		{"supervision", supervision},
		{"names for rdinit=", list(names)},
		{"kept for drivers", list(p.Boot)},
	}
}

// userText returns the identity that the program runs with.
func userText(p *bootplan.Plan) string {
	if p.User == nil {
		return "root"
	}
	text := fmt.Sprintf("%d:%d", p.User.UID, p.User.GID)
	if len(p.Groups) > 0 {
		text += fmt.Sprintf(", groups %d", p.Groups)
	}
	if p.User.Home != "" {
		text += ", home " + p.User.Home
	}
	return text
}

// list joins words. It quotes those with a space or quote in them.
func list(words []string) string {
	var all []string
	for _, w := range words {
		if w == "" || strings.ContainsAny(w, " \t\n\"'") {
			w = strconv.Quote(w)
		}
		all = append(all, w)
	}
	return strings.Join(orNone(all), " ")
}

func orNone(words []string) []string {
	if len(words) == 0 {
		return []string{None}
	}
	return words
}

// imageFacts returns the facts of an image as such.
func imageFacts(p *image.Parts) []Fact {
	container, config := None, None
	if p.Info.Envelope != nil {
		container = p.Info.Envelope.Format
	}
	if p.Info.BootConfig > 0 {
		config = fmt.Sprintf("%d bytes, sha256 %s", p.Info.BootConfig, hex.EncodeToString(p.BootConfig[:]))
	}
	facts := []Fact{
		{"container", container}, {"boot configuration", config},
		{"number of segments", strconv.Itoa(len(p.Info.Segments))},
	}
	for _, s := range p.Info.Segments {
		codec := s.Codec
		if codec == compress.None {
			codec = "raw"
		}
		facts = append(facts, Fact{fmt.Sprintf("segment %d", s.Index), codec})
	}
	return facts
}
