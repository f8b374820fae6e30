package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/builder"
	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// fromFlags are the flags that describe an existing root instead of a manifest.
type fromFlags struct {
	from, root, init string
}

func (f *fromFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "", "take `ROOTFS` instead of a manifest: an initramfs, a tarball, a container's image or a directory; \"-\" is standard input")
	flags.StringVar(&f.root, "root", "", "with --from: the `TYPE` of the root, tmpfs, bind or none (default tmpfs)")
	flags.StringVar(&f.init, "init", "", "with --from: the `PROGRAM` that is started (default: /init of an initramfs, the program of a container's image, else /sbin/init)")
}

// args checks that there is one manifest, or none with --from.
func (f *fromFlags) args(cmd *cobra.Command, args []string) error {
	switch {
	case f.from != "" && len(args) > 0:
		return usageError{errors.New("--from takes the place of the manifest: give one of them")}
	case f.from != "":
		return f.check()
	case f.root != "" || f.init != "":
		return usageError{errors.New("--root and --init are for --from: root.type and init.exec in the manifest say it")}
	}
	return exactly(1, "one manifest")(cmd, args)
}

// check reads the flags beside --from.
func (f *fromFlags) check() error {
	if f.root != "" {
		if _, err := manifests.ParseRootType(f.root); err != nil {
			return flagError("--root", err)
		}
	}
	if f.init != "" {
		if _, err := manifests.ParseProgram(f.init); err != nil {
			return flagError("--init", fmt.Errorf("%q: %w", f.init, err))
		}
	}
	return nil
}

// name returns the name of the manifest in messages.
func (f *fromFlags) name(args []string) string {
	if f.from != "" {
		return f.from
	}
	return args[0]
}

// manifest returns the text of the manifest that --from stands for. A root from a pipe is
// copied to a file, which the manifest reads as standard input. Otherwise the file is nil.
func (f *fromFlags) manifest(stdin io.Reader, limits builder.Limits) (string, *os.File, error) {
	file, ramdisk := image.SplitChoice(f.from)
	in, err := openRoot(stdin, file, limits)
	if err != nil {
		return "", nil, err
	}
	src := f.from
	if file == manifests.Stdin || in.Name() != file {
		if ramdisk != "" {
			in.Close()
			return "", nil, fmt.Errorf("--from %s: a ramdisk is chosen in files, not in a pipe", f.from)
		}
		src = manifests.Stdin
	}
	text, err := builder.From(in, src, manifests.RootType(f.root), f.init)
	if src == manifests.Stdin && err == nil {
		return text, in, nil
	}
	in.Close()
	return text, nil, err
}

// openRoot opens a file or a directory. It copies a pipe to a file.
func openRoot(stdin io.Reader, name string, limits builder.Limits) (*os.File, error) {
	in, err := openFile(stdin, name)
	if err != nil {
		return nil, err
	}
	info, err := in.Stat()
	if err != nil || info.Mode().IsRegular() || info.IsDir() {
		return in, err
	}
	if isTerminal(in) {
		return nil, usageError{errors.New("a root does not come from a terminal: give its name, or redirect the input")}
	}
	defer in.Close()
	copied, err := builder.Spool(in, limits)
	if err != nil {
		err = fmt.Errorf("%s: %w", imageName(name), err)
	}
	return copied, err
}
