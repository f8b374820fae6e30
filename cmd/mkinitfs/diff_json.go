package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/difference"
)

// diffJSON is the stable form of what diff prints.
type diffJSON struct {
	Same        bool         `json:"same"`
	A           sideJSON     `json:"a"`
	B           sideJSON     `json:"b"`
	Plan        []factJSON   `json:"plan"`  // what the boot plans tell the stub
	Image       []factJSON   `json:"image"` // container, boot configuration, segments
	Entries     []changeJSON `json:"entries"`
	Counts      countsJSON   `json:"counts"` // of the root
	NotCompared []string     `json:"not_compared"`
}

type sideJSON struct {
	Name     string          `json:"name"`
	Kind     difference.Kind `json:"kind"`           // "image", "manifest", "directory"
	Files    int64           `json:"files"`          // bytes of the root's files
	Size     int64           `json:"size,omitempty"` // bytes of the image
	Segments []segmentJSON   `json:"segments,omitempty"`
}

type segmentJSON struct {
	Codec    string `json:"codec"`
	Offset   int64  `json:"offset"`
	Size     int64  `json:"size"`
	Unpacked int64  `json:"unpacked"`
}

type factJSON struct {
	Name string `json:"name"`
	A    string `json:"a"`
	B    string `json:"b"`
}

type countsJSON struct {
	Changed int `json:"changed"`
	Added   int `json:"added"`
	Removed int `json:"removed"`
	Same    int `json:"same"`
}

type changeJSON struct {
	Path       string      `json:"path"`
	PathExact  string      `json:"path_base64,omitempty"`
	Part       string      `json:"part"`                 // "root", "beside"
	Change     string      `json:"change"`               // "changed", "added", "removed"
	Attributes []string    `json:"attributes,omitempty"` // that changed, as --ignore names them
	A          *statusJSON `json:"a,omitempty"`
	B          *statusJSON `json:"b,omitempty"`
}

// statusJSON is an entry on one side. Its fields are those of list --json.
type statusJSON struct {
	Type        string  `json:"type"`
	Mode        string  `json:"mode"`
	UID         *uint32 `json:"uid,omitempty"` // absent if the side cannot tell
	GID         *uint32 `json:"gid,omitempty"`
	Size        int64   `json:"size"`
	MTime       int64   `json:"mtime"`
	Device      string  `json:"device,omitempty"`
	Target      string  `json:"target,omitempty"`
	TargetExact string  `json:"target_base64,omitempty"`
	HardLinkOf  string  `json:"hard_link_of,omitempty"` // the first path of the file
	LinkExact   string  `json:"hard_link_of_base64,omitempty"`
	SHA256      string  `json:"sha256,omitempty"` // if the content was read

	Xattrs map[string]xattrJSON `json:"xattrs,omitempty"`
}

// printDiffJSON prints a comparison. It encodes one entry after the other, because two images
// may have very many.
func printDiffJSON(w io.Writer, a, b *difference.Side, r *difference.Result) error {
	const none = "\n  \"entries\": []" // which no string can hold, as it begins with a line break
	frame, err := json.MarshalIndent(describeFrame(a, b, r), "", "  ")
	if err != nil {
		return err
	}
	before, after, _ := bytes.Cut(frame, []byte(none))
	if len(r.Root)+len(r.Beside) == 0 {
		_, err := fmt.Fprintf(w, "%s\n", frame)
		return err
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s%s", before, strings.TrimSuffix(none, "]"))
	separator := ""
	for c := range changesOf(r) {
		text, err := json.MarshalIndent(c, "    ", "  ")
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s\n    %s", separator, text)
		separator = ","
	}
	fmt.Fprintf(out, "\n  ]%s\n", after)
	return out.Flush()
}

// describeDiff describes a comparison with all entries.
func describeDiff(a, b *difference.Side, r *difference.Result) diffJSON {
	d := describeFrame(a, b, r)
	d.Entries = slices.AppendSeq(d.Entries, changesOf(r))
	return d
}

// describeFrame describes a comparison without its entries.
func describeFrame(a, b *difference.Side, r *difference.Result) diffJSON {
	return diffJSON{
		Same: r.Same(), A: describeSide(a), B: describeSide(b), Plan: describeFacts(r.Plan), Image: describeFacts(r.Image),
		Entries: []changeJSON{}, Counts: countsJSON(r.Counts), NotCompared: append([]string{}, r.Skipped...),
	}
}

// changesOf yields the entries that differ.
func changesOf(r *difference.Result) iter.Seq[changeJSON] {
	return func(yield func(changeJSON) bool) {
		for i := range r.Root {
			if !yield(describeChange("root", &r.Root[i])) {
				return
			}
		}
		for i := range r.Beside {
			if !yield(describeChange(difference.Beside, &r.Beside[i])) {
				return
			}
		}
	}
}

func describeSide(s *difference.Side) sideJSON {
	d := sideJSON{Name: s.Name, Kind: s.Kind, Files: filesSize(s)}
	if s.Image != nil {
		d.Size = s.Image.Size
		for _, g := range s.Image.Segments {
			d.Segments = append(d.Segments, segmentJSON{g.Codec, g.Offset, g.Size, g.Unpacked})
		}
	}
	return d
}

func describeFacts(facts []difference.FactChange) []factJSON {
	all := []factJSON{}
	for _, f := range facts {
		all = append(all, factJSON(f))
	}
	return all
}

func describeChange(part string, c *difference.Change) changeJSON {
	d := changeJSON{Path: c.Path(), PathExact: exact(c.Path()), Part: part, A: describeStatus(c.A), B: describeStatus(c.B)}
	switch {
	case c.A == nil:
		d.Change = "added"
	case c.B == nil:
		d.Change = "removed"
	default:
		d.Change = "changed"
	}
	for _, a := range c.Attributes {
		if !slices.Contains(d.Attributes, a.Name) {
			d.Attributes = append(d.Attributes, a.Name)
		}
	}
	return d
}

func describeStatus(e *difference.Entry) *statusJSON {
	if e == nil {
		return nil
	}
	t := typeOf(e.Mode)
	d := &statusJSON{
		Type: t.name, Mode: fmt.Sprintf("%04o", e.Mode&0o7777), Size: e.Size, MTime: e.MTime, Target: e.Target, TargetExact: exact(e.Target),
		HardLinkOf: e.HardLinkOf, LinkExact: exact(e.HardLinkOf), Xattrs: describeXattrs(e.Xattrs),
	}
	if !e.NoOwner {
		d.UID, d.GID = &e.UID, &e.GID
	}
	if t.mode == cpio.TypeChar || t.mode == cpio.TypeBlock {
		d.Device = attributeTexts[difference.Device](e)
	}
	if e.Sum != [len(e.Sum)]byte{} {
		d.SHA256 = fmt.Sprintf("%x", e.Sum)
	}
	return d
}
