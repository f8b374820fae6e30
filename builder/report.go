package builder

import (
	"github.com/mkinitfs/mkinitfs/builder/layout"
	"github.com/mkinitfs/mkinitfs/builder/lint"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// MinRAM is the least RAM that an image boots in.
type MinRAM = layout.MinRAM

// Report says what was built. Its JSON form is stable: fields are only added.
type Report struct {
	Name      string    `json:"name,omitempty"`
	Arch      string    `json:"arch"`
	Root      string    `json:"root"`               // type of the root
	Compress  string    `json:"compress"`           // codec that the kernel unpacks
	Payload   string    `json:"payload"`            // codec that the stub unpacks
	Entries   int       `json:"entries"`            // of the root
	Unpacked  int64     `json:"unpacked"`           // bytes of the root's files
	Size      int64     `json:"size,omitempty"`     // bytes of the image
	SHA256    string    `json:"sha256,omitempty"`   // of the image, if Options.Digest asks for it
	Items     []Item    `json:"items,omitempty"`    // of the manifest's contents, in their order
	Segments  []Segment `json:"segments,omitempty"` // in the order of the image
	Members   []Member  `json:"members,omitempty"`  // of the payload
	Commands  []Command `json:"commands,omitempty"` // of the manifest, that compress
	Stub      *Stub     `json:"stub,omitempty"`
	MinRAM    *MinRAM   `json:"min_ram,omitempty"`
	Unchanged bool      `json:"unchanged,omitempty"` // the image was there already, and was left as it was
	Private   bool      `json:"private"`             // some source is not readable by all
	Warnings  []string  `json:"warnings,omitempty"`
}

// Item is what one item of the manifest's contents brings into the root, with the
// folders that are made for it.
type Item struct {
	Place    string `json:"place"` // "root.yaml:12:3"
	Type     string `json:"type"`
	Entries  int    `json:"entries"`
	Unpacked int64  `json:"unpacked"` // bytes of its files
}

// Segment is one compressed stream, or one raw archive, of the image.
type Segment struct {
	Kind     string `json:"kind"` // "boot", "payload", "root"
	Codec    string `json:"codec"`
	Offset   int64  `json:"offset"`
	Size     int64  `json:"size"`             // bytes in the image, without padding
	Unpacked int64  `json:"unpacked"`         // bytes of the archive
	Cached   bool   `json:"cached,omitempty"` // had been compressed before
}

// Member is one archive of the payload.
type Member struct {
	Size     int64  `json:"size"`     // bytes in the image
	Unpacked int64  `json:"unpacked"` // bytes of the archive
	SHA256   string `json:"sha256"`   // of the bytes in the image
	Cached   bool   `json:"cached,omitempty"`
}

// Command is a program that has compressed something.
type Command struct {
	Key     string   `json:"key"` // "compress", "root.payload"
	Command []string `json:"command"`
	Version string   `json:"version,omitempty"` // first line of its --version
}

// Stub identifies the stub of an image.
type Stub struct {
	SHA256    string `json:"sha256"`
	Size      int64  `json:"size"`
	GoVersion string `json:"go,omitempty"` // that compiled it
	Origin    string `json:"origin"`       // "embedded", "cached", "compiled", or a file
}

// describe fills in what is known once the plan stands, and holds the plan
// against the manifest's bounds.
func (b *build) describe() error {
	r := &b.report
	r.Name, r.Arch, r.Root = b.manifest.Name, b.arch, string(b.manifest.Root.Type)
	r.Compress, r.Payload = b.outer.Name, b.payload.Name
	if c := b.outer.command; c != nil {
		r.Commands = append(r.Commands, Command{"compress", c.words, c.version})
	}
	if c := b.payload.command; c != nil {
		r.Commands = append(r.Commands, Command{"root.payload", c.words, c.version})
	}
	r.Entries, r.Unpacked = len(b.entries), plan.Unpacked(b.entries)
	r.Items = b.items()
	for _, e := range b.entries {
		r.Private = r.Private || e.Private
	}
	if limit := b.manifest.Output.MaxUnpacked; limit > 0 && r.Unpacked > limit {
		return b.tooMuch()
	}
	b.lint()
	return nil
}

// items sums up the plan by the manifest's items.
func (b *build) items() []Item {
	items := make([]Item, len(b.manifest.Contents))
	at := map[string]*Item{}
	for i, c := range b.manifest.Contents {
		items[i] = Item{Place: c.Common().Pos.String(), Type: c.Type()}
		at[items[i].Place] = &items[i]
	}
	for _, e := range b.entries {
		item := at[e.Origin]
		if item == nil {
			continue // nobody asked for it
		}
		item.Entries++
		if carries(e) {
			item.Unpacked += e.Size
		}
	}
	return items
}

// carries reports whether e is the one of a file's names that has the content.
func carries(e *plan.Entry) bool { return e.Data.Path != "" || e.Data.At != nil }

// lint warns of what is likely to be a mistake in the root.
func (b *build) lint() {
	o := lint.Options{Arch: b.arch, Exec: b.manifest.Init.Exec, ExecOrigin: b.manifest.Init.ExecPos.String()}
	if o.Exec != "" && b.manifest.Root.Type == manifests.None {
		o.Exec = "/init"
	}
	var warnings []string
	warnings, b.foreign = lint.Check(lint.Planned(b.entries), o)
	b.report.Warnings = append(b.report.Warnings, warnings...)
}

// minRAM is the MinRAM of the image that was written.
func (b *build) minRAM() *MinRAM {
	d := layout.Demands{Type: string(b.manifest.Root.Type), Image: b.report.Size}
	for _, s := range b.report.Segments {
		if s.Kind != "root" {
			d.Rootfs += s.Unpacked
		}
		if s.Codec == b.outer.Name {
			d.Window = max(d.Window, b.outer.window(s.Unpacked))
		}
	}
	d.Window = b.outer.Memory(d.Window)
	if b.policy != nil {
		d.Policy = b.policy.Size
	}
	return d.MinRAM(b.layout.BootPlan(b.packed), b.arch)
}

func (b *build) warnForeign() {
	if w := b.foreign.Warning(); w != "" {
		b.warning(w)
	}
}
