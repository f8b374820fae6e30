package source

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/gobuild"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// goSource compiles a Go program into a nameless file.
type goSource struct{ *manifests.Go }

func (g goSource) Entries(ctx context.Context, env *Env) ([]*plan.Entry, error) {
	j := env.job(&g.Item)
	f, err := g.build(ctx, &j)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, plan.Errors{j.fail(g.Src, err, goHint(err))}
	}
	env.keep(f)
	info, err := f.Stat()
	if err != nil {
		return nil, plan.Errors{j.fail(g.Src, err, "")}
	}
	dst := g.Dst
	if g.DstDir {
		src, err := filepath.Abs(g.Src) // for "."
		if err != nil {
			return nil, err
		}
		dst = path.Join(dst, strings.TrimSuffix(filepath.Base(src), ".go"))
	}
	mode := uint32(0o755)
	if g.Mode != nil {
		mode = *g.Mode
	}
	e := j.entry(dst, plan.TypeFile|mode)
	e.Size, e.Data.At = info.Size(), f
	j.set(e, &g.Attr, nil)
	return append([]*plan.Entry{e}, j.links(dst, g.Links)...), nil
}

// build returns the compiled program as a nameless file.
func (g goSource) build(ctx context.Context, j *job) (*os.File, error) {
	info, err := os.Stat(g.Src)
	if err != nil {
		return nil, errors.Unwrap(err) // the caller names the file
	}
	target := gobuild.Target{Dir: g.Src, Package: ".", Arch: j.Arch}
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
	if err := g.inputs(ctx, j, target); err != nil {
		return nil, err
	}
	return os.Open(target.Out)
}

// inputs counts the source files as input, by relative paths if Src is relative. Listing them
// takes time.
func (g goSource) inputs(ctx context.Context, j *job, target gobuild.Target) error {
	if j.Input == nil {
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
		j.input(file)
	}
	return nil
}

// goHint returns the hint for an error of a build.
func goHint(err error) string {
	if errors.Is(err, gobuild.ErrNoGo) {
		return "install Go from https://go.dev/dl, or build the program beforehand and take it with type: file"
	}
	return ""
}
