package source

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/gobuild"
)

// Go compiles a Go program and puts it at Dst.
type Go struct {
	Item
	Attr
	Src    string // a package's folder, or a .go file
	Arch   string // as in [gobuild.Target]
	DstDir bool   // Dst is a folder that the program goes into
	Links  []string
}

// Entries compiles the program. Closer keeps it, a file that has no name any
// more, and must stay open until it has been read; it is nil if there was an
// error, which is of type [plan.Errors], or ctx's.
func (g Go) Entries(ctx context.Context, clock Clock) (entries []*plan.Entry, closer io.Closer, err error) {
	f, err := g.build(ctx)
	if ctx.Err() != nil {
		return nil, nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, nil, plan.Errors{g.fail(g.Src, err, hint(err))}
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, nil, plan.Errors{g.fail(g.Src, err, "")}
	}
	dst := g.Dst
	if g.DstDir {
		src, err := filepath.Abs(g.Src) // for "."
		if err != nil {
			return nil, nil, err
		}
		dst = path.Join(dst, strings.TrimSuffix(filepath.Base(src), ".go"))
	}
	mode := uint32(0o755)
	if g.Mode != nil {
		mode = *g.Mode
	}
	e := g.entry(dst, plan.TypeFile|mode)
	e.Size, e.Data.At = info.Size(), f
	g.Attr.set(e, nil, clock)
	return append([]*plan.Entry{e}, g.links(dst, g.Links)...), f, nil
}

// build returns the compiled program as a file without a name.
func (g *Go) build(ctx context.Context) (*os.File, error) {
	info, err := os.Stat(g.Src)
	if err != nil {
		return nil, errors.Unwrap(err) // the caller names the file
	}
	target := gobuild.Target{Dir: g.Src, Package: ".", Arch: g.Arch}
	if !info.IsDir() {
		target.Dir, target.Package = filepath.Dir(g.Src), filepath.Base(g.Src)
	}
	tmp, err := os.MkdirTemp("", "mkinitfs-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	target.Out = filepath.Join(tmp, "program")
	if err := gobuild.Build(ctx, target); err != nil {
		return nil, err
	}
	if err := g.inputs(ctx, target); err != nil {
		return nil, err
	}
	return os.Open(target.Out)
}

// inputs tells of the source, in the way in which Src is written. To ask for it
// takes time.
func (g *Go) inputs(ctx context.Context, target gobuild.Target) error {
	if g.Input == nil {
		return nil
	}
	files, err := gobuild.Sources(ctx, target)
	if err != nil {
		return err
	}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	for _, file := range files {
		if name, err := filepath.Rel(here, file); err == nil && !filepath.IsAbs(g.Src) {
			file = name
		}
		g.input(file)
	}
	return nil
}

// hint says what to do about an error of a build.
func hint(err error) string {
	if errors.Is(err, gobuild.ErrNoGo) {
		return "install Go from https://go.dev/dl, or build the program beforehand and take it with type: file"
	}
	return ""
}
