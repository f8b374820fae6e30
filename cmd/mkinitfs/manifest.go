package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/builder"
	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/internal/fakeroot"
	"github.com/mkinitfs/mkinitfs/internal/magic"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// manifestFlags are the flags of the commands that read a manifest.
type manifestFlags struct {
	defines  []string
	dir      string
	arch     string
	compress string
	stub     string

	ignoreFakeroot bool

	entries int64
	size    string

	from fromFlags
}

func (f *manifestFlags) add(cmd *cobra.Command) {
	f.addBuild(cmd)
	f.from.add(cmd)
}

// addBuild adds the flags of a build from a manifest.
func (f *manifestFlags) addBuild(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.addSources(cmd)
	flags.StringVar(&f.compress, "compress", "", "compress with `CODEC[:LEVEL]` instead of the manifest's")
	flags.StringVar(&f.stub, "stub", "", "use the stub in `FILE` instead of a compiled one")
}

// addSources adds the flags that decide about the root.
func (f *manifestFlags) addSources(cmd *cobra.Command) {
	flags := cmd.Flags()
	f.addVars(cmd)
	flags.StringVarP(&f.dir, "directory", "C", "", "look for relative sources in `DIR` (default: the manifest's directory)")
	flags.BoolVar(&f.ignoreFakeroot, "ignore-fakeroot", false, "under fakeroot or pseudo, take owners, modes and nodes as they are on disk")
	flags.Int64Var(&f.entries, "source-entries", 0, "allow `N` entries in an initramfs or a container's image that the image takes over (default 1000000)")
	flags.StringVar(&f.size, "source-size", "", "allow such a source to unpack to `SIZE` (default 16GiB)")
}

// addVars adds the flags that decide what the manifest says.
func (f *manifestFlags) addVars(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.arch, "arch", "", "build for `ARCH` instead of the manifest's")
	cmd.Flags().StringArrayVarP(&f.defines, "define", "D", nil, "set a variable of the manifest: `NAME=value` is for ${NAME}")
}

// vars returns the variables that -D defines.
func (f *manifestFlags) vars() (map[string]string, error) {
	vars := map[string]string{}
	for _, d := range f.defines {
		name, value, ok := strings.Cut(d, "=")
		if !ok || name == "" {
			return nil, usageError{fmt.Errorf("-D %q: want NAME=value", d)}
		}
		vars[name] = value
	}
	return vars, nil
}

// options returns the options of reading a manifest.
func (f *manifestFlags) options(lookup func(string) (string, bool)) (manifests.Options, error) {
	opt := manifests.Options{Getenv: lookup}
	var err error
	if opt.Vars, err = f.vars(); err != nil || f.arch == "" {
		return opt, err
	}
	if opt.Arch, err = manifests.ParseArch(f.arch); err != nil {
		return opt, flagError("--arch", err)
	}
	return opt, nil
}

// load reads the manifest and applies the flags to it.
func (f *manifestFlags) load(ctx context.Context, args []string, stdin io.Reader, lookup func(string) (string, bool)) (*manifests.Manifest, builder.Options, error) {
	o := builder.Options{Stub: f.stub}
	o.Stdin, _ = stdin.(*os.File)
	if !f.ignoreFakeroot {
		o.Fakeroot = fakeroot.Pretender(lookup)
	}
	if err := f.limit(&o.Limits); err != nil {
		return nil, o, err
	}
	epoch, err := sourceDateEpoch(lookup)
	if err != nil {
		return nil, o, err
	}
	o.Epoch = epoch
	read, err := unlessInterrupted(ctx, func() (loaded, error) { return f.read(args, stdin, o.Limits, lookup) })
	if err != nil {
		return nil, o, err
	}
	m := read.manifest
	if read.root != nil {
		o.Stdin = read.root
	}
	if f.compress != "" {
		if m.Compress.Codec, m.Compress.Level, err = manifests.ParseCompression(f.compress); err != nil {
			return nil, o, flagError("--compress", err)
		}
		m.Compress.Command = nil
	}
	return m, o, nil
}

// loaded is a manifest that has been read.
type loaded struct {
	manifest *manifests.Manifest
	root     *os.File // that --from read from a pipe, or nil
}

// read reads the manifest, or makes the one of --from.
func (f *manifestFlags) read(args []string, stdin io.Reader, limits builder.Limits, lookup func(string) (string, bool)) (loaded, error) {
	opt, err := f.options(lookup)
	if err != nil {
		return loaded{}, err
	}
	opt.Dir = f.dir
	if f.from.from != "" {
		text, root, err := f.from.manifest(stdin, limits)
		if err != nil {
			return loaded{}, err
		}
		opt.File = manifests.FromFile
		m, err := manifests.Parse([]byte(text), opt)
		return loaded{m, root}, err
	}
	var piped bytes.Buffer // what was read from standard input
	opt.Stdin = io.TeeReader(stdin, &piped)
	m, err := manifests.Load(args[0], opt)
	if err != nil {
		return loaded{}, cmp.Or(notManifest(args[0], &piped), err)
	}
	return loaded{manifest: m}, nil
}

// limit sets the limits that flags change.
func (f *manifestFlags) limit(l *builder.Limits) error {
	if f.entries < 0 {
		return usageError{fmt.Errorf("--source-entries %d: want a number of entries", f.entries)}
	}
	l.Entries = f.entries
	if f.size == "" {
		return nil
	}
	var err error
	if l.Unpacked, err = manifests.ParseSize(f.size); err != nil {
		return flagError("--source-size", err)
	}
	return nil
}

// notManifest returns an error that says so if a file is a directory or of a known format,
// such as an image or a tarball, which are easily given in place of a manifest. Otherwise it
// returns nil.
func notManifest(file string, piped io.Reader) error {
	if file == "-" {
		return notText(file, bufio.NewReader(piped), "")
	}
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() && !info.IsDir() {
		return nil
	}
	return notText(file, bufio.NewReader(f), builder.RootKind(f))
}

// notText is notManifest for a file that is open. kind is what builder.RootKind says.
func notText(file string, in *bufio.Reader, kind string) error {
	head, _ := in.Peek(magic.HeadSize)
	what, holds := image.Describe(head)
	switch {
	case image.Begins(in):
		return fmt.Errorf("%s: is an initramfs image, not a manifest\n"+
			"  list, extract, cat, size, run and boot take an image; build --from takes it as the root of a new one", imageName(file))
	case kind != "":
		return fmt.Errorf("%s: is a %s, not a manifest\n  --from %[1]s takes it as the root", file, kind)
	case holds:
		return fmt.Errorf("%s: is %s, not a manifest\n"+
			"  list, extract, cat, size, run and boot take the initramfs in it; build --from takes that as the root of a new one", imageName(file), what)
	case what != "":
		return fmt.Errorf("%s: is %s, not a manifest", imageName(file), what)
	}
	return nil
}

// flagError returns a usage error with the hint of err.
func flagError(flag string, err error) error {
	if hint := manifests.Hint(err); hint != "" {
		return usageError{fmt.Errorf("%s: %w\n  %s", flag, err, hint)}
	}
	return usageError{fmt.Errorf("%s: %w", flag, err)}
}

// sourceDateEpoch reads the variable SOURCE_DATE_EPOCH, as
// https://reproducible-builds.org/specs/source-date-epoch defines it.
func sourceDateEpoch(lookup func(string) (string, bool)) (*int64, error) {
	text, ok := lookup("SOURCE_DATE_EPOCH")
	if !ok || text == "" {
		return nil, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || n > 1<<32-1 {
		return nil, fmt.Errorf("SOURCE_DATE_EPOCH=%q: want seconds since 1970, %d at most", text, uint32(1<<32-1))
	}
	return &n, nil
}
