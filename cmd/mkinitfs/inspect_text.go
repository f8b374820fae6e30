package main

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/difference"
	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/internal/words"
)

// printInspection prints an inspection as text, a part of the image after the other.
func printInspection(w io.Writer, name string, d *inspectionJSON) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s: %s\n", name, sizeText(d.Size))
	if c := d.Container; c != nil {
		fmt.Fprintf(out, "container: %s, read is %s at %#x\n", c.Format, printable(c.Part), c.Offset)
		for _, p := range c.Parts {
			fmt.Fprintf(out, "  %s: %s, %s at %#x\n", printable(p.Name), cmp.Or(printable(p.Kind), "no type"), sizeText(p.Size), p.Offset)
		}
	}
	fmt.Fprintln(out, "segments:")
	for i, s := range d.Segments {
		fmt.Fprintf(out, "  %d at %#x: %s, %s of %s in %s\n", i, s.Offset, s.codec(), sizeText(s.Size), sizeText(s.Unpacked), words.Count(s.Entries, "entry", "entries"))
	}
	if e := d.Early; e != nil {
		fmt.Fprintf(out, "early files: %s at %#x\n", sizeText(e.Size), e.Offset)
		for _, file := range e.Files {
			fmt.Fprintf(out, "  %s\n", printable(file))
		}
	}
	if b := d.BootConfig; b != nil {
		fmt.Fprintf(out, "boot configuration: %s\n", sizeText(b.Size))
		for line := range strings.Lines(b.Text) {
			fmt.Fprintf(out, "  %s\n", printable(strings.TrimSuffix(line, "\n")))
		}
	}
	printStub(out, d)
	if d.Root != nil {
		printRoot(out, d.Root)
	}
	if m := d.MinRAM; m != nil {
		fmt.Fprintf(out, "min_ram: %s and what the kernel takes, on %s\n", sizeText(m.Bytes), d.Arch)
	}
	if len(d.Findings) > 0 {
		fmt.Fprintln(out, "findings:")
	}
	for _, f := range d.Findings {
		finding := image.Finding(f)
		fmt.Fprintf(out, "  %s: %s\n", f.Severity, &finding)
	}
	return out.Flush()
}

// codec returns the codec with its parameters.
func (s *inspectedSegmentJSON) codec() string {
	var parameters []string
	if s.Filter != "" {
		parameters = append(parameters, s.Filter)
	}
	if s.Window > 0 {
		parameters = append(parameters, "window "+sizeText(s.Window))
	}
	if s.Check != "" {
		parameters = append(parameters, "check "+s.Check)
	}
	if parameters == nil {
		return s.Codec
	}
	return s.Codec + " (" + strings.Join(parameters, ", ") + ")"
}

// printStub prints the stub, what the boot plan tells it, and the members that it unpacks.
func printStub(w io.Writer, d *inspectionJSON) {
	if s := d.Stub; s != nil {
		by := ""
		if s.GoVersion != "" {
			by = " by " + s.GoVersion
		}
		fmt.Fprintf(w, "stub: %s%s, sha256 %s\n", sizeText(s.Size), by, s.SHA256)
	}
	if d.Plan != nil {
		fmt.Fprintln(w, "boot plan:")
	}
	for _, f := range d.facts {
		if f.Value != difference.None {
			fmt.Fprintf(w, "  %s: %s\n", f.Name, printable(f.Value))
		}
	}
	if len(d.Members) > 0 {
		var packed, unpacked int64
		for _, m := range d.Members {
			packed += m.Size
			unpacked += m.Unpacked
		}
		fmt.Fprintf(w, "members: %d, %s of %s, %s\n", len(d.Members), sizeText(packed), sizeText(unpacked), d.Members[0].Codec)
	}
}

// printRoot prints what is in the root.
func printRoot(w io.Writer, d *rootJSON) {
	var types []string
	for _, t := range fileTypes {
		if n := d.Types[t.name]; n > 0 {
			types = append(types, fmt.Sprintf("%s %d", t.name, n))
		}
	}
	fmt.Fprintf(w, "root: %s (%s), %s in files\n", words.Count(d.Entries, "entry", "entries"), strings.Join(types, ", "), sizeText(d.Files))
	for _, name := range slices.Sorted(maps.Keys(d.Xattrs)) {
		fmt.Fprintf(w, "  %s on %s\n", printable(name), words.Count(d.Xattrs[name], "path", "paths"))
	}
}
