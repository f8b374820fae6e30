package source

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/kmod"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// modulesSource puts modules of one kernel into /lib/modules/VERSION, with all modules that
// they depend on, their firmware, and the files that depmod writes for them.
type modulesSource struct{ *manifests.Modules }

// moduleTop is the directory where modprobe looks.
const moduleTop = "/lib/modules"

func (m modulesSource) Entries(ctx context.Context, env *Env) ([]*plan.Entry, error) {
	j := env.job(&m.Item)
	dir, err := findModuleDir(&j, m.Src)
	if m.Optional && errors.Is(err, fs.ErrNotExist) {
		j.inputAbove(m.Src)
		return nil, nil
	}
	if err != nil {
		return nil, plan.Errors{j.fail(m.Src, err, "")}
	}
	r := &moduleReader{Modules: m.Modules, job: j, spool: new(spool)}
	env.keep(r.spool)
	r.tree, err = listModules(ctx, &j, dir)
	if err == nil {
		err = r.read(ctx)
	}
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	var problems plan.Errors
	if err := problems.Add(err); err != nil {
		problems = append(problems, j.fail(dir, err, ""))
	}
	return r.entries, problems.Sorted()
}

// moduleReader makes the entries of one item.
type moduleReader struct {
	*manifests.Modules
	job
	tree    *moduleTree
	release string // of the kernel
	spool   *spool // for what is stored without its compression
	entries []*plan.Entry
}

func (r *moduleReader) read(ctx context.Context) error {
	chosen, err := r.choose(ctx)
	if err != nil {
		return err
	}
	if r.release, err = r.findRelease(chosen); err != nil {
		return err
	}
	if err := r.addModules(ctx, chosen); err != nil {
		return err
	}
	if err := r.addIndexes(chosen); err != nil {
		return err
	}
	if err := addFirmware(ctx, r, chosen); err != nil {
		return err
	}
	return r.spool.end()
}

// findRelease returns the kernel's version, as the modules say it: the kernel looks for its
// modules in a directory of that name. Modules of two kernels are an error.
func (r *moduleReader) findRelease(chosen []*moduleFile) (string, error) {
	named := path.Base(r.tree.dir)
	var first *moduleFile
	for _, m := range chosen {
		switch {
		case m.Vermagic == "":
		case first == nil:
			first = m
		case m.Vermagic != first.Vermagic:
			return "", advise("the kernel loads only modules with its own vermagic: take them from one build",
				"modules of different kernels: %s is for %q, %s is for %q", first.host, first.Vermagic, m.host, m.Vermagic)
		}
	}
	if first == nil {
		return named, nil
	}
	release := first.Release()
	if strings.ContainsAny(release, "/\x00") || release == "" || release == "." || release == ".." {
		return "", advise("", "%s: vermagic %q has no kernel version", first.host, first.Vermagic)
	}
	if release != named {
		r.warn("%s: the modules are for Linux %s and go to %s/%s", r.tree.dir, release, moduleTop, release)
	}
	return release, nil
}

// place returns the path in the image of a file in the modules' directory.
func (r *moduleReader) place(name string) string { return path.Join(moduleTop, r.release, name) }

// addModules adds the files of modules.
func (r *moduleReader) addModules(ctx context.Context, chosen []*moduleFile) error {
	load := slices.DeleteFunc(r.tree.loaded(), func(m *moduleFile) bool { return !slices.Contains(chosen, m) })
	plain, err := r.tree.need(ctx, load)
	if err != nil {
		return err
	}
	for _, m := range chosen {
		e := r.file(r.place(m.Path))
		if err := r.setContent(e, m.host, &m.info); err != nil {
			return r.problem(m.host, err)
		}
		if r.Compress == "none" || plain[m] {
			unpacked, err := unpackInto(ctx, r, e, m.host)
			if err != nil {
				return r.problem(m.host, err)
			}
			if unpacked {
				m.Path = kmod.Plain(m.Path)
				e.Path = r.place(m.Path)
			}
		}
		r.entries = append(r.entries, e)
	}
	return nil
}

// file starts an entry for a regular file.
func (r *moduleReader) file(path string) *plan.Entry {
	e := r.entry(path, plan.TypeFile|0o644)
	e.MTime = r.Clock.Epoch
	return e
}

// addIndexes adds the files that modprobe reads, as depmod would write them.
func (r *moduleReader) addIndexes(chosen []*moduleFile) error {
	d := kmod.Directory{Builtin: r.tree.builtin}
	for _, m := range chosen {
		d.Modules = append(d.Modules, &m.Module)
	}
	files, err := d.Files()
	if err != nil {
		return r.problem(r.tree.dir, err)
	}
	for _, f := range files {
		e := r.file(r.place(f.Name))
		e.Size, e.Data.At = int64(len(f.Content)), bytes.NewReader(f.Content)
		r.entries = append(r.entries, e)
	}
	for _, name := range r.tree.builtinFiles {
		e := r.file(r.place(path.Base(name.host)))
		if err := r.setContent(e, name.host, &name.info); err != nil {
			return r.problem(name.host, err)
		}
		r.entries = append(r.entries, e)
	}
	return nil
}

// problem returns the error of a file of the host.
func (r *moduleReader) problem(path string, err error) error {
	return plan.Errors{r.fail(path, err, "")}
}

// choose returns the modules that the item names and all that they depend on, in depmod's order.
func (r *moduleReader) choose(ctx context.Context) ([]*moduleFile, error) {
	var start []*moduleFile
	var problems plan.Errors
	for _, g := range r.Modules.Modules {
		found, known, err := r.tree.match(ctx, g.Pattern)
		if err != nil {
			return nil, err
		}
		start = append(start, found...)
		if !known && !g.Optional {
			problems = append(problems, r.tree.unmatched(g))
		}
	}
	if err := problems.Sorted(); err != nil {
		return nil, err
	}
	chosen, err := r.tree.need(ctx, start)
	if err != nil {
		return nil, err
	}
	r.tree.tellLacking()
	return slices.DeleteFunc(slices.Clone(r.tree.files), func(m *moduleFile) bool { return !chosen[m] }), nil
}
