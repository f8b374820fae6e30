package source

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/gobuild"
	"github.com/mkinitfs/mkinitfs/internal/magic"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// goSource compiles Go programs into nameless files.
type goSource struct{ *manifests.Go }

func (g goSource) Entries(ctx context.Context, env *Env) ([]*plan.Entry, error) {
	j := env.job(&g.Item)
	var entries []*plan.Entry
	var problems plan.Errors
	for _, p := range g.Programs {
		e, err := g.entry(ctx, &j, p)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			problems = append(problems, j.fail(p.Src, err, goHint(p, err)))
			continue
		}
		entries = append(entries, e)
		entries = append(entries, j.links(e.Path, g.Links)...)
	}
	return entries, problems.Sorted()
}

// entry compiles a program and returns the entry for it.
func (g goSource) entry(ctx context.Context, j *job, p manifests.Program) (*plan.Entry, error) {
	f, err := compile(ctx, j, p)
	if err != nil {
		return nil, err
	}
	j.keep(f)
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	dst := g.Dst
	if g.DstDir {
		name, err := programName(p)
		if err != nil {
			return nil, err
		}
		dst = path.Join(dst, name)
	}
	mode := uint32(0o755)
	if g.Mode != nil {
		mode = *g.Mode
	}
	e := j.entry(dst, plan.TypeFile|mode)
	e.Size, e.Data.At = info.Size(), f
	j.set(e, &g.Attr, nil)
	return e, nil
}

var majorVersion = regexp.MustCompile(`/v[0-9]+$`)

// programName returns the name that go build gives a program.
func programName(p manifests.Program) (string, error) {
	if p.Module {
		name, _, _ := strings.Cut(p.Src, "@")
		return path.Base(majorVersion.ReplaceAllString(name, "")), nil
	}
	src, err := filepath.Abs(p.Src) // for "."
	return strings.TrimSuffix(filepath.Base(src), ".go"), err
}

// compile returns a compiled program as a nameless file.
func compile(ctx context.Context, j *job, p manifests.Program) (*os.File, error) {
	tmp, err := os.MkdirTemp("", "mkinitfs-*")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	target, err := goTarget(ctx, j, p, tmp)
	if err != nil {
		return nil, err
	}
	target.Out = filepath.Join(tmp, "program")
	if err := gobuild.Build(ctx, target); err != nil {
		return nil, err
	}
	if !p.Module { // of a module the version says all
		err = inputs(ctx, j, p.Src, target)
	}
	if err != nil {
		return nil, err
	}
	return openProgram(target.Out)
}

// openProgram opens what go build has written. Of a package other than main that is no program.
func openProgram(file string) (*os.File, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	var head [4]byte
	if _, err := f.ReadAt(head[:], 0); err != nil || !magic.Is(head[:], magic.ELF) {
		f.Close()
		return nil, errors.New("is not a main package")
	}
	return f, nil
}

// goTarget returns what is to be compiled. A module of its own requires a package with a version.
func goTarget(ctx context.Context, j *job, p manifests.Program, tmp string) (gobuild.Target, error) {
	if p.Module {
		dir := filepath.Join(tmp, "module")
		if err := os.Mkdir(dir, 0o777); err != nil {
			return gobuild.Target{}, err
		}
		name, _, _ := strings.Cut(p.Src, "@")
		return gobuild.Target{Dir: dir, Package: name, Arch: j.Arch}, gobuild.Require(ctx, dir, p.Src, j.Arch)
	}
	info, err := os.Stat(p.Src)
	if err != nil {
		return gobuild.Target{}, errors.Unwrap(err) // the caller names the file
	}
	if !info.IsDir() {
		return gobuild.Target{Dir: filepath.Dir(p.Src), Package: filepath.Base(p.Src), Arch: j.Arch}, nil
	}
	return gobuild.Target{Dir: p.Src, Package: ".", Arch: j.Arch}, nil
}

// inputs counts the source files as input, by relative paths if src is relative. Listing them
// takes time.
func inputs(ctx context.Context, j *job, src string, target gobuild.Target) error {
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
		if name, err := filepath.Rel(here, file); err == nil && !filepath.IsAbs(src) {
			file = name
		}
		j.input(file)
	}
	return nil
}

// goHost matches a directory that may be meant as the host of an import path.
var goHost = regexp.MustCompile(`(^|/)[a-z0-9-]+\.[a-z]{2,}/`)

// goHint returns the hint for an error of a build.
func goHint(p manifests.Program, err error) string {
	if !p.Module && errors.Is(err, unix.ENOENT) && goHost.MatchString(p.Src) {
		return "a package of a module has its version behind it, as in example.com/cmd/x@v1.2.3"
	}
	if errors.Is(err, gobuild.ErrNoGo) {
		return "install Go from https://go.dev/dl, or build the program beforehand and take it with type: file"
	}
	return ""
}
