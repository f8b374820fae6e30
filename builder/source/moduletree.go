package source

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/kmod"
)

// moduleTree is the directory of one kernel's modules on the host.
type moduleTree struct {
	job
	dir          string
	files        []*moduleFile // in depmod's order
	names        map[string]*moduleFile
	builtin      []kmod.Builtin
	builtinFiles []hostFile          // modules.builtin and modules.builtin.modinfo, if they are there
	inKernel     map[string]bool     // names in builtin
	scanned      bool                // all files have been read
	lacking      map[string]struct{} // soft dependencies that are not there
}

type hostFile struct {
	host string
	info unix.Stat_t
}

// moduleFile is the file of a module. Its metadata is empty until the file has been read.
type moduleFile struct {
	kmod.Module
	hostFile
	whole bool // the symbols have been read, too
}

// findModuleDir returns the directory of a kernel's modules: src itself, or the only one in it.
func findModuleDir(j *job, src string) (string, error) {
	info, err := os.Stat(src)
	switch {
	case err != nil:
		return "", errors.Unwrap(err)
	case !info.IsDir():
		return "", advise("src names a directory such as lib/modules/VERSION", "not a directory")
	}
	if holds, err := holdsModules(j, src); holds || err != nil {
		return src, err
	}
	var found []string
	for _, above := range []string{src, filepath.Join(src, moduleTop), filepath.Join(src, "/usr", moduleTop)} {
		dirs, err := kernelsIn(j, above)
		if err != nil {
			return "", err
		}
		for _, dir := range dirs { // lib may be a link to usr/lib
			if !slices.ContainsFunc(found, func(other string) bool { return sameFile(other, dir) }) {
				found = append(found, dir)
			}
		}
	}
	switch len(found) {
	case 0:
		return "", advise("src names a directory such as lib/modules/VERSION", "no kernel modules in it")
	case 1:
		return found[0], nil
	}
	return "", advise("name one of them: src: "+found[0], "modules of several kernels: %s", strings.Join(found, ", "))
}

// kernelsIn returns the directories of kernels in a directory, which need not be there.
func kernelsIn(j *job, above string) ([]string, error) {
	names, err := os.ReadDir(above)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	j.input(above)
	var found []string
	for _, name := range names {
		dir := filepath.Join(above, name.Name())
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			continue
		}
		holds, err := holdsModules(j, dir)
		if err != nil {
			return nil, err
		}
		if holds {
			found = append(found, dir)
		}
	}
	return found, nil
}

func sameFile(a, b string) bool {
	x, err1 := os.Stat(a)
	y, err2 := os.Stat(b)
	return err1 == nil && err2 == nil && os.SameFile(x, y)
}

// holdsModules reports whether a directory has the modules of a kernel.
func holdsModules(j *job, dir string) (bool, error) {
	names, err := os.ReadDir(dir)
	if err != nil {
		return false, err
	}
	j.input(dir)
	return slices.ContainsFunc(names, func(e fs.DirEntry) bool {
		return e.Name() == builtinList || e.Name() == "kernel" && !e.Type().IsRegular() || kmod.NameOf(e.Name()) != ""
	}), nil
}

const (
	builtinList = "modules.builtin"
	builtinInfo = "modules.builtin.modinfo"
	orderFile   = "modules.order"
)

// listModules finds the modules below dir.
func listModules(ctx context.Context, j *job, dir string) (*moduleTree, error) {
	t := &moduleTree{job: *j, dir: dir, names: map[string]*moduleFile{}, inKernel: map[string]bool{}, lacking: map[string]struct{}{}}
	l := moduleLister{moduleTree: t, ctx: ctx}
	if err := l.list(""); err != nil {
		return nil, err
	}
	var texts [3][]byte
	for i, name := range []string{builtinList, builtinInfo, orderFile} {
		var err error
		if texts[i], err = t.text(name); err != nil {
			return nil, err
		}
	}
	t.builtin = kmod.ParseBuiltin(texts[0], texts[1])
	for _, b := range t.builtin {
		t.inKernel[b.Name] = true
	}
	t.sort(texts[2])
	return t, nil
}

// text reads a file that the kernel's build has made, if it is there.
func (t *moduleTree) text(name string) ([]byte, error) {
	f := hostFile{host: filepath.Join(t.dir, name)}
	content, err := os.ReadFile(f.host)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil {
		t.input(f.host)
		err = lookAt(unix.AT_FDCWD, f.host, true, &f.info)
	}
	if err == nil && name != orderFile {
		t.builtinFiles = append(t.builtinFiles, f)
	}
	return content, err
}

// sort puts the modules into the order in which the kernel's build lists them, with others
// behind. The order decides which module comes first of those with one alias.
func (t *moduleTree) sort(order []byte) {
	place := map[string]int{}
	lines := bufio.NewScanner(strings.NewReader(string(order)))
	for lines.Scan() {
		if name := lines.Text(); place[name] == 0 {
			place[name] = len(place) + 1
		}
	}
	of := func(m *moduleFile) int { return cmp.Or(place[kmod.Plain(m.Path)], len(place)+1) }
	slices.SortFunc(t.files, func(a, b *moduleFile) int {
		return cmp.Or(cmp.Compare(of(a), of(b)), cmp.Compare(a.Path, b.Path))
	})
}

// moduleLister lists the files of modules, through symbolic links.
type moduleLister struct {
	*moduleTree
	ctx   context.Context
	above []inode
}

// list lists the directory called name below the top. A build tree may be linked from there.
func (l *moduleLister) list(name string) error {
	dir := filepath.Join(l.dir, name)
	var info unix.Stat_t
	if err := lookAt(unix.AT_FDCWD, dir, true, &info); err != nil {
		return &fs.PathError{Op: "read", Path: dir, Err: err}
	}
	id := inode{uint64(info.Dev), info.Ino}
	if slices.Contains(l.above, id) {
		return plan.Errors{l.fail(dir, errors.New("a symbolic link that leads back to a directory above it"), "")}
	}
	l.above = append(l.above, id)
	defer func() { l.above = l.above[:len(l.above)-1] }()
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	l.input(dir)
	for _, e := range entries {
		if err := context.Cause(l.ctx); err != nil {
			return err
		}
		if err := l.one(path.Join(name, e.Name()), e); err != nil {
			return err
		}
	}
	return nil
}

func (l *moduleLister) one(name string, e fs.DirEntry) error {
	if e.Name() == "build" || e.Name() == "source" {
		return nil
	}
	module := kmod.NameOf(name)
	if module == "" && e.Type().IsRegular() {
		return nil
	}
	f := hostFile{host: filepath.Join(l.dir, name)}
	if err := lookAt(unix.AT_FDCWD, f.host, true, &f.info); err != nil {
		if module == "" {
			return nil // a link that leads nowhere
		}
		return plan.Errors{l.fail(f.host, err, "")}
	}
	switch {
	case f.info.Mode&plan.TypeMask == plan.TypeDir:
		return l.list(name)
	case module == "":
		return nil
	case f.info.Mode&plan.TypeMask != plan.TypeFile:
		return plan.Errors{l.fail(f.host, errors.New("not a regular file"), "")}
	}
	l.add(&moduleFile{Module: kmod.Module{Name: module, Path: name, Info: &kmod.Info{}}, hostFile: f})
	return nil
}

// add adds a module. Of two modules with one name depmod prefers the one in updates.
func (l *moduleLister) add(m *moduleFile) {
	other := l.names[m.Name]
	updates := strings.HasPrefix(m.Path, "updates/")
	switch {
	case other == nil:
	case updates && !strings.HasPrefix(other.Path, "updates/"):
		l.files = slices.DeleteFunc(l.files, func(f *moduleFile) bool { return f == other })
	default:
		if !strings.HasPrefix(other.Path, "updates/") || updates {
			l.warn("%s: two modules are called %s: %s is taken, %s is not", l.dir, m.Name, other.Path, m.Path)
		}
		return
	}
	l.names[m.Name] = m
	l.files = append(l.files, m)
}
