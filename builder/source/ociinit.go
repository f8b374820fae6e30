package source

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/oci"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// ociProcess is the process that a container's image describes.
type ociProcess struct {
	oci.Process
	origin string // of the item, in the manifest
	top    string // of the image's root
}

// runtimePath is the PATH that runtimes set if the image does not set it.
const runtimePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// FillInit completes init with the process of the container's image if init.from asks for that.
// Keys that the manifest has stay as they are. entries are those of all items; o is for the plan
// in which a program without a directory is searched. An error is of type [manifests.Errors].
func FillInit(env *Env, init *manifests.Init, entries []*plan.Entry, o plan.Options) error {
	if init.From == "" {
		return nil
	}
	f := &initFiller{job: job{Env: env, origin: init.FromPos.String() + ": init.from"}, Init: init}
	image, err := f.onlyImage()
	if err == nil {
		err = f.fill(image)
	}
	if err == nil {
		err = f.setProgram(image, entries, o)
	}
	if err == nil {
		return nil
	}
	problem := &manifests.Error{Pos: init.FromPos, Msg: "init.from: " + err.Error()}
	if h := (*advice)(nil); errors.As(err, &h) {
		problem.Hint = h.hint
	}
	return manifests.Errors{problem}
}

// initFiller completes the init section.
type initFiller struct {
	job
	*manifests.Init
}

// fill sets all but the program.
func (f *initFiller) fill(image *ociProcess) (err error) {
	if f.Workdir.Path == "" && image.WorkingDir != "" {
		if f.Workdir, err = manifests.NewWorkdir(f.FromPos, path.Clean("/"+image.WorkingDir)); err != nil {
			return fmt.Errorf("the image's directory %.100q: %w", image.WorkingDir, err)
		}
	}
	if f.User == nil && image.User != "" {
		if f.User, err = manifests.NewAccount(f.FromPos, image.User); err != nil {
			return fmt.Errorf("the image's user %q: %w", image.User, err)
		}
	}
	if f.Init.Mounts == nil {
		f.Init.Mounts = manifests.ContainerMounts(f.FromPos)
	}
	f.Init.Env, err = f.environment(image.Env)
	return err
}

// onlyImage returns the process of the image that is the root.
func (f *initFiller) onlyImage() (*ociProcess, error) {
	var roots, others []string
	var found *ociProcess
	for i := range f.images {
		image := &f.images[i]
		if image.top != "/" {
			others = append(others, fmt.Sprintf("%s (dst: %s)", image.origin, image.top))
			continue
		}
		found = image
		roots = append(roots, image.origin)
	}
	switch {
	case len(roots) > 1:
		return nil, fmt.Errorf("several images of containers are the root: %s", strings.Join(roots, ", "))
	case found == nil && len(others) > 0:
		return nil, fmt.Errorf("no image of a container is the root, only a part of it: %s", strings.Join(others, ", "))
	case found == nil:
		return nil, advise("contents: [{type: oci, src: IMAGE}]", "no item brings the image of a container")
	}
	return found, nil
}

// environment returns the variables of an image and those of the manifest, sorted by name.
func (f *initFiller) environment(image []string) ([]string, error) {
	all := map[string]string{}
	for _, setting := range image {
		name, value, ok := strings.Cut(setting, "=")
		switch {
		case name == "" || strings.Contains(setting, "\x00"):
			return nil, fmt.Errorf("the image's variable %.100q: want NAME=VALUE", setting)
		case !ok:
			f.warn("the image's variable %q has no value and is left out", name)
		default:
			all[name] = value
		}
	}
	for _, setting := range f.Init.Env {
		name, value, _ := strings.Cut(setting, "=")
		all[name] = value
	}
	if _, ok := all["PATH"]; !ok {
		f.warn("the image sets no PATH, so it gets the one that runtimes set: %s", runtimePath)
		all["PATH"] = runtimePath
	}
	var env []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		env = append(env, name+"="+all[name])
	}
	return env, nil
}

// setProgram sets the program and its arguments. Those of the image do not suit another program.
func (f *initFiller) setProgram(image *ociProcess, entries []*plan.Entry, o plan.Options) error {
	argv := slices.Concat(image.Entrypoint, image.Cmd)
	for _, arg := range argv {
		if strings.Contains(arg, "\x00") {
			return fmt.Errorf("the image's argument %.100q: NUL in it", arg)
		}
	}
	switch {
	case !f.Unasked:
		if len(argv) > 1 && f.Args == nil {
			f.warn("init.exec takes the place of the image's %q, whose arguments are left out: %q", argv[0], argv[1:])
		}
		return nil
	case len(argv) == 0:
		f.warn("the image names no program, so %s is started", f.Exec)
		return nil
	case argv[0] == "":
		return errors.New("the image's program has an empty name")
	}
	if f.Args == nil {
		f.Args = argv[1:]
	}
	exec, err := f.lookPath(argv[0], entries, o)
	if exec != "" {
		f.Exec, f.Unasked, f.ExecPos = exec, false, f.FromPos
	}
	return err
}

// lookPath returns the path of a program, as a runtime finds it in the working directory or by
// PATH. It returns "" if the entries are no root: the plan reports why.
func (f *initFiller) lookPath(program string, entries []*plan.Entry, o plan.Options) (string, error) {
	from := func(dir string) string {
		if !path.IsAbs(dir) {
			dir = path.Join("/", f.Workdir.Path, dir)
		}
		return path.Clean(dir)
	}
	if strings.Contains(program, "/") {
		return from(program), nil
	}
	root, err := plan.Trial(entries, o)
	if err != nil {
		return "", nil
	}
	var paths string
	for _, setting := range f.Init.Env {
		if value, ok := strings.CutPrefix(setting, "PATH="); ok {
			paths = value
		}
	}
	for dir := range strings.SplitSeq(paths, ":") {
		place := path.Join(from(dir), program)
		if e := plan.Find(root, place); e != nil && e.IsFile() && e.Mode&0o111 != 0 {
			return place, nil
		}
	}
	return "", fmt.Errorf("the image's program %q is in no directory of PATH: %s", program, paths)
}
