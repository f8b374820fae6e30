// Package builder makes an image of a manifest.
//
// A build is a chain of stages, each a value handed on: the manifest is
// translated to sources, these find entries, the entries become a plan (package
// plan), the plan is cut into members, the members are packed on all cores and
// written in order between the other segments of the image. After planning nobody
// looks at the manifest's contents, after writing has begun nobody decides
// anything.
//
// An image is a run of segments, each one or more whole cpio archives, raw or
// compressed. For root type tmpfs there is a boot segment with the stub and its
// plan, and a payload segment whose files /.mkinitfs/root.NNNN are archives
// themselves, compressed with root.payload: the members. For bind there is the
// boot segment and then the root itself, a segment a member; for none there is
// only the root.
//
// A program can rely on the packages manifests, builder, builder/plan, builder/image and
// compress, and on the types of others that these show: from version 1.0 on, they change
// as semantic versioning allows. All other packages may change with any version.
package builder

import (
	"context"
	"io"
	"os"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/layout"
	"github.com/mkinitfs/mkinitfs/builder/lint"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/builder/source"
	"github.com/mkinitfs/mkinitfs/builder/stub"
	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/arch"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// Options of a build. The zero value builds for the manifest's architecture, with a stub that
// is embedded in the program or else compiled, with times of 1970, and keeps nothing.
type Options struct {
	Stub    string // file of a stub to use instead of a compiled one
	Epoch   *int64 // SOURCE_DATE_EPOCH in seconds, nil if it is not set
	TempDir string // for the packed payload while it grows; "" is os.TempDir()
	Digest  bool   // fill Report.SHA256
	Depfile Depfile

	// Fakeroot is the program that pretends to others what files are like, see [Fakeroot]: a
	// source that it may hide something of is an error. "" takes all as it is on disk.
	Fakeroot string

	Stdin *os.File // for a tarball that comes in there; it is closed

	// Cache is a directory for compiled stubs and for what is slow to compress, "" for none.
	// The image is the same with it and without. A directory in which everybody may write is
	// not used; mkinitfs in the user's cache directory only if nobody but the user may.
	Cache string

	// Recompress compresses everything, and keeps in Cache only stubs.
	Recompress bool

	// WantCache warns if Cache is "": the user has no directory for it.
	WantCache bool

	// Notice is told, before it begins, what takes long and happens once, such as compiling
	// a stub. It may be nil.
	Notice func(text string)

	// Progress is told how many bytes of the root have been read, of how many. It is
	// called from one goroutine at a time, and may be nil.
	Progress func(done, total int64)

	IfChanged bool // BuildFile leaves an image that has these bytes already as it is, with its time
}

// build is one build on its way through the stages.
type build struct {
	manifest *manifests.Manifest
	options  Options
	arch     string
	outer    codec // what the kernel unpacks
	payload  codec // what the stub unpacks; none unless the root is a tmpfs
	entries  []*plan.Entry
	policy   *plan.Entry   // SELinux policy in the root that the stub loads, or nil
	foreign  *lint.Foreign // watches what is packed
	layout   *layout.Layout
	packed   []bootplan.Member // the same, once they are packed
	beside   string            // the image in whose directory the packed payload grows, or ""
	progress *progress
	encoders compress.Encoders
	cache    *packedCache // nil for none
	unkept   error        // what keeps anything from being kept there, which the report warns of, or nil
	pending  *pendingStub
	spool    *os.File   // for the packed payload; nil if it is made when it is wanted
	stub     *stub.Stub // once it is there; nil for none
	sources  source.Env
	inputs   []string // what of the host decides over the image beside what the entries are made of: files, and folders for the names in them
	report   Report
}

// codec is a codec with its level, or with the command that writes it.
type codec struct {
	*compress.Codec
	level   int
	small   bool // for a 32-bit machine
	command *command
}

func (c codec) options(size int64) compress.Options {
	return compress.Options{Level: c.level, Size: size, Small: c.small}
}

// window is what decoding a stream of size unpacked bytes takes. A command's is
// known once it has packed everything.
func (c codec) window(size int64) int64 {
	if c.command != nil {
		return c.command.window
	}
	return c.Codec.Window(c.options(size))
}

// Build writes the image that m describes to w. When it fails, what has reached w
// is no image.
func Build(ctx context.Context, w io.Writer, m *manifests.Manifest, o Options) (*Report, error) {
	b, err := prepare(ctx, m, o, toWrite)
	if err != nil {
		return nil, err
	}
	defer b.sources.Close()
	if err := b.write(ctx, imageTo(w)); err != nil {
		return nil, err
	}
	return &b.report, b.writeDepfile()
}

// Check plans the image that m describes and reports on it, without packing
// anything. The report has neither segments nor sizes of the image.
func Check(ctx context.Context, m *manifests.Manifest, o Options) (*Report, error) {
	b, err := prepare(ctx, m, o, toCheck)
	if err != nil {
		return nil, err
	}
	b.foreign.Open(b.entries)
	b.warnForeign()
	return &b.report, b.sources.Close()
}

// prepare runs the stages up to the plan. First it settles what can fail without reading
// a source.
func prepare(ctx context.Context, m *manifests.Manifest, o Options, to purpose) (*build, error) {
	m, err := m.Complete()
	if err != nil {
		return nil, err
	}
	b := &build{manifest: m, options: o, arch: m.Arch}
	if b.arch == "" {
		b.arch = arch.Host()
	}
	for _, w := range m.Warnings {
		b.warning(w.Error())
	}
	if err := b.chooseCodecs(ctx); err != nil {
		return nil, err
	}
	ctx, err = b.settleStub(ctx, to)
	if err == nil {
		err = b.takeStub(b.plan(ctx))
	}
	if err != nil {
		b.sources.Close()
		return nil, err
	}
	return b, nil
}

// plan finds what is in the root, and cuts it into members.
func (b *build) plan(ctx context.Context) error {
	entries, err := b.gather(ctx)
	dropForeign(entries)
	if err == nil {
		b.entries, err = plan.Make(entries, b.planOptions())
	}
	if err == nil {
		err = b.label()
	}
	if err == nil {
		err = b.describe()
	}
	if err != nil {
		return err
	}
	b.openCache()
	o := layoutOptions(b.manifest, b.clock().Epoch)
	o.Small, o.RawMembers, o.Window, o.Warn = arch.Is32(b.arch), b.payload.Name == "none", b.payload.window, b.warning
	o.Stub.Arch, o.Stub.Payload = b.arch, b.payload.Name
	if b.policy != nil {
		o.Stub.SELinux = b.policy.Path
	}
	if b.layout, err = layout.Make(b.entries, o); err != nil {
		return err
	}
	b.progress = newProgress(b.options.Progress, b.layout.Members)
	return nil
}

// chooseCodecs settles what compresses. Auto is zstd on every machine: of what unpacks
// fast it makes the smallest images. A 32-bit MIPS unpacks gzip faster, with a smaller
// window, but such a machine has little flash.
func (b *build) chooseCodecs(ctx context.Context) error {
	var err error
	if b.outer, err = b.codec(ctx, b.manifest.Compress); err != nil {
		return err
	}
	c := b.manifest.Root.Payload
	switch {
	case b.manifest.Root.Type != manifests.Tmpfs:
		c = manifests.Compression{Codec: "none"}
	case c.Codec == "auto":
		c.Codec = "zstd"
	}
	b.payload, err = b.codec(ctx, c)
	return err
}

func (b *build) codec(ctx context.Context, m manifests.Compression) (codec, error) {
	c := codec{level: m.Level, small: arch.Is32(b.arch)}
	var err error
	if m.Command != nil {
		if c.command, err = findCommand(ctx, m); err == nil {
			c.Codec = c.command.codec
			b.input(c.command.path)
		}
	} else if c.Codec, err = compress.Lookup(m.Codec); err != nil {
		err = at(m.Pos, err)
	}
	return c, err
}

// at is an error with a place in the manifest.
func at(pos manifests.Pos, err error) error {
	return manifests.Errors{{Pos: pos, Msg: err.Error()}}
}
