package main

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/difference"
	"github.com/mkinitfs/mkinitfs/internal/words"
)

// diffPrinter prints the result of a comparison as text.
type diffPrinter struct {
	*difference.Result
	a, b  *difference.Side
	texts *difference.Texts // nil if contents are not shown
}

// print prints a line for each difference, then the counts.
func (p *diffPrinter) print(w io.Writer) error {
	out := bufio.NewWriter(w)
	p.facts(out)
	err := p.changes(out, "root", p.Root)
	if err == nil {
		err = p.changes(out, "beside the root, for the boot", p.Beside)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(out, p.summary())
	return out.Flush()
}

func (p *diffPrinter) changes(w io.Writer, title string, changes []difference.Change) error {
	if len(changes) > 0 {
		fmt.Fprintf(w, "%s:\n", title)
	}
	for i := range changes {
		if err := p.change(w, &changes[i]); err != nil {
			return err
		}
	}
	return nil
}

// facts prints what differs beside the entries.
func (p *diffPrinter) facts(w io.Writer) {
	printFacts(w, "boot plan", p.Plan)
	printFacts(w, "image", p.Image)
}

func printFacts(w io.Writer, title string, facts []difference.FactChange) {
	if len(facts) > 0 {
		fmt.Fprintf(w, "%s:\n", title)
	}
	for _, d := range facts {
		fmt.Fprintf(w, "  %s: %s -> %s\n", d.Name, printable(cmp.Or(d.A, "none")), printable(cmp.Or(d.B, "none")))
	}
}

func (p *diffPrinter) summary() string {
	n := p.Counts
	entries := words.Count(n.Same, "entry", "entries")
	switch {
	case p.Same() && p.otherSizes():
		return fmt.Sprintf("no difference in %s; the segments have other sizes", entries)
	case p.Same():
		return fmt.Sprintf("no difference in %s", entries)
	}
	return fmt.Sprintf("%d changed, %d added, %d removed, %d the same", n.Changed, n.Added, n.Removed, n.Same)
}

// otherSizes reports whether two images have segments of different sizes.
func (p *diffPrinter) otherSizes() bool {
	return p.a.Image != nil && p.b.Image != nil && p.a.Image.Size != p.b.Image.Size
}

// change prints the line of a changed path and, if contents are shown, the difference between
// the texts.
func (p *diffPrinter) change(w io.Writer, c *difference.Change) error {
	var text, why string
	if p.texts != nil && c.HasContent() {
		a, b, err := p.texts.Of(c)
		switch {
		case err == difference.ErrLarge || err == difference.ErrNotText:
			why = fmt.Sprintf(" (not shown: %s)", err)
		case err != nil:
			return err
		default:
			text = unified(c, a, b)
		}
	}
	_, err := fmt.Fprintf(w, "%s%s\n%s", changeText(c), why, text)
	return err
}

// unified returns the difference between two texts as patch(1) takes it.
func unified(c *difference.Change, a, b []byte) string {
	name := func(prefix string, e *difference.Entry) string {
		if e == nil {
			return "/dev/null"
		}
		return prefix + printable(e.Path)
	}
	text := diff.Diff(name("a", c.A), a, name("b", c.B), b)
	_, text, _ = bytes.Cut(text, []byte("\n")) // the line "diff A B"
	return string(text)
}

// changeText returns the line of a changed path.
func changeText(c *difference.Change) string {
	switch {
	case c.B == nil:
		return "- " + printable(c.A.Path) + ": " + summaryOf(c.A)
	case c.A == nil:
		return "+ " + printable(c.B.Path) + ": " + summaryOf(c.B)
	}
	var parts []string
	for _, attribute := range c.Attributes {
		parts = append(parts, attributeText(c, attribute))
	}
	return "~ " + printable(c.Path()) + ": " + strings.Join(parts, ", ")
}

// attributeText returns what an attribute changed from and to.
func attributeText(c *difference.Change, a difference.Attribute) string {
	fromTo := func(name, from, to string) string { return fmt.Sprintf("%s %s -> %s", name, from, to) }
	switch a.Name {
	case difference.Content:
		return "content"
	case difference.Xattrs:
		return fromTo(printable(a.Xattr), xattrText(c.A, a.Xattr), xattrText(c.B, a.Xattr))
	case difference.Links:
		return fromTo("hard link of", printable(cmp.Or(c.LinkA, "none")), printable(cmp.Or(c.LinkB, "none")))
	}
	text := attributeTexts[a.Name]
	return fromTo(a.Name, text(c.A), text(c.B))
}

// attributeTexts return the attributes that have one value, as text.
var attributeTexts = map[string]func(e *difference.Entry) string{
	difference.Type:   func(e *difference.Entry) string { return typeOf(e.Mode).name },
	difference.Mode:   func(e *difference.Entry) string { return fmt.Sprintf("%04o", e.Mode&0o7777) },
	difference.Owner:  func(e *difference.Entry) string { return fmt.Sprintf("%d:%d", e.UID, e.GID) },
	difference.Size:   func(e *difference.Entry) string { return fmt.Sprint(e.Size) },
	difference.Target: func(e *difference.Entry) string { return printable(e.Target) },
	difference.Device: func(e *difference.Entry) string { return fmt.Sprintf("%d:%d", e.Major, e.Minor) },
	difference.MTime:  func(e *difference.Entry) string { return time.Unix(e.MTime, 0).UTC().Format(time.DateTime) },
}

func xattrText(e *difference.Entry, name string) string {
	if _, ok := e.Xattrs[name]; !ok {
		return "none"
	}
	return describeXattrs(map[string]string{name: e.Xattrs[name]})[name].text()
}

// summaryOf describes an entry that only one side has.
func summaryOf(e *difference.Entry) string {
	t := typeOf(e.Mode)
	parts := []string{t.name}
	text := func(name string) string { return name + " " + attributeTexts[name](e) }
	switch t.mode {
	case cpio.TypeLink:
		parts[0] += " to " + printable(e.Target)
	case cpio.TypeChar, cpio.TypeBlock:
		parts = append(parts, text(difference.Device))
	case cpio.TypeFile:
		parts = append(parts, text(difference.Size))
	}
	if t.mode != cpio.TypeLink {
		parts = append(parts, text(difference.Mode))
	}
	if !e.NoOwner {
		parts = append(parts, text(difference.Owner))
	}
	if e.HardLinkOf != "" {
		parts = append(parts, "hard link of "+printable(e.HardLinkOf))
	}
	return strings.Join(parts, ", ")
}
