package main

import (
	"fmt"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/difference"
	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/builder/minram"
)

// inspectionJSON is the stable form of what inspect prints.
type inspectionJSON struct {
	Size       int64                  `json:"size"` // bytes of the image
	Arch       string                 `json:"arch,omitempty"`
	Container  *containerJSON         `json:"container,omitempty"`
	Segments   []inspectedSegmentJSON `json:"segments"`
	Members    []memberJSON           `json:"members,omitempty"`
	Early      *earlyJSON             `json:"early,omitempty"`
	BootConfig *bootConfigJSON        `json:"boot_config,omitempty"`
	Stub       *stubJSON              `json:"stub,omitempty"`
	Plan       *planJSON              `json:"plan,omitempty"`
	Root       *rootJSON              `json:"root,omitempty"` // absent for a damaged image
	MinRAM     *minram.MinRAM         `json:"min_ram,omitempty"`
	Findings   []findingJSON          `json:"findings"`

	facts []difference.Fact // of the boot plan
}

// containerJSON is a boot loader's file around the image.
type containerJSON struct {
	Format string     `json:"format"`
	Part   string     `json:"part"` // that is read
	Offset int64      `json:"offset"`
	Size   int64      `json:"size"`
	Parts  []partJSON `json:"parts"`
}

type partJSON struct {
	Name   string `json:"name"`
	Kind   string `json:"kind"`
	Offset int64  `json:"offset"`
	Size   int64  `json:"size"`
}

// inspectedSegmentJSON is a segment with the parameters of its codec.
type inspectedSegmentJSON struct {
	segmentJSON
	Window  int64  `json:"window,omitempty"` // bytes that a decoder keeps
	Check   string `json:"check,omitempty"`
	Filter  string `json:"filter,omitempty"`
	Entries int    `json:"entries"` // without those of members
}

type memberJSON struct {
	Name     string `json:"name"`
	Codec    string `json:"codec"`
	Size     int64  `json:"size"`
	Unpacked int64  `json:"unpacked"`
	SHA256   string `json:"sha256"`
	CRC32    string `json:"crc32,omitempty"`
}

type earlyJSON struct {
	Segments int      `json:"segments"`
	Offset   int64    `json:"offset"`
	Size     int64    `json:"size"`
	Files    []string `json:"files"`
}

type bootConfigJSON struct {
	Size int64  `json:"size"` // with its trailer
	Text string `json:"text"`
}

type rootJSON struct {
	Entries int            `json:"entries"`
	Files   int64          `json:"files"`            // bytes of the files
	Types   map[string]int `json:"types"`            // numbers of entries
	Xattrs  map[string]int `json:"xattrs,omitempty"` // numbers of paths, by the attribute's name
}

type findingJSON struct {
	Code     string         `json:"code"`
	Severity image.Severity `json:"severity"`
	Words    string         `json:"words"`
	Segment  int            `json:"segment"` // of the first place, as the next three
	Member   string         `json:"member,omitempty"`
	Offset   int64          `json:"offset"`
	Path     string         `json:"path,omitempty"`
	Count    int            `json:"count"` // of all places
}

func describeInspection(i *image.Inspection) (*inspectionJSON, error) {
	d := &inspectionJSON{
		Size: i.Info.Size, Stub: describeStub(i.Stub), Segments: []inspectedSegmentJSON{}, Findings: []findingJSON{},
	}
	if i.Types != nil {
		d.Root = &rootJSON{Files: i.Files, Types: map[string]int{}, Xattrs: i.Xattrs}
	}
	for mode, n := range i.Types {
		d.Root.Types[typeOf(mode).name] += n
		d.Root.Entries += n
	}
	for n, s := range i.Info.Segments {
		p := i.Parameters[n]
		d.Segments = append(d.Segments, inspectedSegmentJSON{segmentJSON{s.Codec, s.Offset, s.Size, s.Unpacked}, p.Window, p.Check, p.Filter, s.Entries})
	}
	if e := i.Info.Envelope; e != nil && i.Part != nil {
		d.Container = &containerJSON{Format: e.Format, Part: i.Part.Name, Offset: i.Part.Offset, Size: i.Part.Size}
		for _, p := range e.Parts {
			d.Container.Parts = append(d.Container.Parts, partJSON{p.Name, p.Kind, p.Offset, p.Size})
		}
	}
	if i.Early.Segments > 0 {
		d.Early = &earlyJSON{Segments: i.Early.Segments, Offset: i.Early.Offset, Size: i.Early.Size, Files: []string{}}
		for _, e := range i.Early.Entries {
			if !e.Dir {
				d.Early.Files = append(d.Early.Files, e.Path)
			}
		}
	}
	if n := i.Info.BootConfig; n > 0 {
		d.BootConfig = &bootConfigJSON{n, i.BootConfig}
	}
	for _, f := range i.Info.Findings {
		d.Findings = append(d.Findings, findingJSON(f))
	}
	return d, d.describePlan(i.Info.Plan)
}

// describePlan adds what the boot plan says.
func (d *inspectionJSON) describePlan(text []byte) error {
	if text == nil {
		return nil
	}
	p, err := bootplan.Parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", bootplan.Path, err)
	}
	d.Plan, d.facts = describePlan(p), difference.PlanFacts(p)
	for n, m := range p.Members {
		name := strings.TrimPrefix(bootplan.MemberName(n), bootplan.Dir+"/")
		d.Members = append(d.Members, memberJSON{name, p.Payload, m.Packed, m.Unpacked, m.SHA256, m.CRC32})
	}
	return nil
}
