package builder

import (
	"github.com/mkinitfs/mkinitfs/builder/layout"
	"github.com/mkinitfs/mkinitfs/builder/pack"
	"github.com/mkinitfs/mkinitfs/builder/translate"
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
	Wrap      string    `json:"wrap,omitempty"`     // file for a boot loader around the image
	Size      int64     `json:"size,omitempty"`     // bytes of the image, with the file around it
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

// Item is the part of the root from one item of the manifest's contents.
type Item = translate.Item

// Segment is one compressed stream, or one raw archive, of the image.
type Segment = pack.Segment

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

// report describes a build before its image is packed.
func report(p *prepared) *Report {
	m, s := p.manifest, p.settled
	p.notes.Add(p.foreign.Findings()...)
	r := &Report{
		Name: m.Name, Arch: s.arch, Root: string(m.Root.Type), Compress: s.compress.Name, Payload: s.payload.Name,
		Entries: len(p.root.entries), Unpacked: p.root.unpacked, Private: p.root.private,
		Items: translate.Items(m.Contents, p.root.entries), Warnings: p.notes.Warnings(),
	}
	if s.uImage != nil {
		r.Wrap = string(m.Output.Wrap)
	}
	if c := s.compress.Command; c != nil {
		r.Commands = append(r.Commands, Command{"compress", c.Words, c.Version})
	}
	if c := s.payload.Command; c != nil {
		r.Commands = append(r.Commands, Command{"root.payload", c.Words, c.Version})
	}
	return r
}

// reportPacked is report with the results of packing.
func reportPacked(p *prepared, done pack.Result) *Report {
	r := report(p)
	r.Size, r.MinRAM, r.Segments = p.settled.uImage.Size(done.Size), minRAM(p, done), done.Segments
	for _, m := range done.Members {
		r.Members = append(r.Members, Member{m.Packed, m.Unpacked, m.SHA256, m.Cached})
	}
	if s := p.stub; s != nil {
		r.Stub = &Stub{SHA256: s.SHA256, Size: int64(len(s.Data)), GoVersion: s.GoVersion, Origin: s.Origin}
	}
	return r
}

// minRAM returns the least RAM for the image that was written.
func minRAM(p *prepared, done pack.Result) *MinRAM {
	d := layout.Demands{Type: p.layout.Type, Image: done.Size, Rootfs: done.Rootfs, Nodes: p.layout.Nodes(), Window: done.Window}
	if p.root.policy != nil {
		d.Policy = p.root.policy.Size
	}
	return d.MinRAM(p.layout.BootPlan(pack.Packed(done.Members)), p.settled.arch)
}
