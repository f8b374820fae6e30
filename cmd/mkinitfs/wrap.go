package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/builder/envelope"
	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/builder/wrap"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// wrapCommand returns the command whose subcommands are the formats. prepare runs before each
// of them.
func wrapCommand(lookup func(string) (string, bool), prepare func()) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "wrap FORMAT IMAGE -o FILE",
		Short: "Put an image into a file for a boot loader",
		Long:  "Put an image into a file for a boot loader. The format is a command of its own.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return misused(cmd, "wrap takes a format, an image and -o FILE")
			}
			return usageError{fmt.Errorf("unknown format %q%s\n  the formats are uimage", args[0], meant("", args[0], []string{"uimage"}))}
		},
		RunE: func(cmd *cobra.Command, args []string) error { return nil },
	}
	uimage := wrapUImageCommand(lookup)
	uimage.PreRunE = func(cmd *cobra.Command, args []string) error {
		prepare()
		return wantImage(cmd, args)
	}
	cmd.AddCommand(uimage)
	return cmd
}

func wrapUImageCommand(lookup func(string) (string, bool)) *cobra.Command {
	var u envelope.UImage
	var out, arch, load, entry string
	cmd := &cobra.Command{
		Use:   "uimage IMAGE -o FILE",
		Short: "Put an image into a U-Boot uImage",
		Long: "Put an image (\"-\" is standard input) into a U-Boot uImage of type ramdisk. Of a file for\n" +
			"a boot loader it takes the ramdisk. Its time is SOURCE_DATE_EPOCH, or 0.\n\n" +
			"FILE is written beside and renamed; on any error it stays as it was. It may be a device,\n" +
			"a FIFO, or \"-\" for standard output.",
		Args: exactly(1, "one image"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := wantOutput(cmd, args[0], out); err != nil {
				return err
			}
			epoch, err := sourceDateEpoch(lookup)
			if err != nil {
				return err
			}
			if epoch != nil {
				u.Time = *epoch
			}
			if err := envelope.CheckUImageName(u.Name); err != nil {
				return usageError{fmt.Errorf("--name: %w", err)}
			}
			if err := parseAddresses(&u, load, entry); err != nil {
				return err
			}
			if arch != "" {
				if arch, err = manifests.ParseArch(arch); err != nil {
					return flagError("--arch", err)
				}
			}
			in, err := unlessInterrupted(cmd.Context(), func() (*wrapped, error) { return openWrapped(cmd, args[0], arch) })
			if err != nil {
				return err
			}
			defer in.Close()
			u.Arch = in.arch
			if out == "-" {
				err = wrap.Stream(cmd.Context(), cmd.OutOrStdout(), &u, in.bare)
			} else {
				err = wrap.File(cmd.Context(), out, in.perm, &u, in.bare)
			}
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: uImage, ramdisk for %s, %s\n", out, u.Arch, sizeText(u.Size(in.bare.Size())))
			return nil
		},
	}
	cmd.Flags().StringVarP(&out, "output", "o", "", "write the uImage to `FILE`")
	cmd.Flags().StringVar(&arch, "arch", "", "write that it is for `ARCH` instead of what the image says")
	cmd.Flags().StringVar(&u.Name, "name", "", "write `NAME`, which U-Boot shows, of at most 32 bytes")
	cmd.Flags().StringVar(&load, "load", "", "write the load `ADDRESS` (default 0x0)")
	cmd.Flags().StringVar(&entry, "entry", "", "write the entry point `ADDRESS` (default that of --load)")
	return cmd
}

// wantOutput checks the name of the output: it may not be the image itself.
func wantOutput(cmd *cobra.Command, arg, out string) error {
	stdout := cmd.OutOrStdout()
	switch {
	case out == "":
		return usageError{fmt.Errorf("wrap %s needs -o FILE (\"-\" for standard output)", cmd.Name())}
	case out == "-" && isTerminal(stdout):
		return usageError{errors.New("a file for a boot loader is not for a terminal: redirect the output, or give -o FILE")}
	}
	name, _ := image.SplitChoice(arg)
	in, to := statStream(name, cmd.InOrStdin()), statStream(out, stdout)
	if in != nil && to != nil && os.SameFile(in, to) && to.Mode()&fs.ModeCharDevice == 0 {
		if out == "-" {
			out = "standard output"
		}
		return fmt.Errorf("write %s: it is the image that is wrapped", out)
	}
	return nil
}

// statStream returns the attributes of a file, or for "-" of a standard stream. It returns nil
// if there is no such file, which opening it reports.
func statStream(name string, stream any) os.FileInfo {
	var info os.FileInfo
	err := fs.ErrNotExist
	if name != "-" {
		info, err = os.Stat(name)
	} else if f, ok := stream.(*os.File); ok {
		info, err = f.Stat()
	}
	if err != nil {
		return nil
	}
	return info
}

// parseAddresses reads the flags for addresses. The entry point is the load address by default,
// as in mkimage.
func parseAddresses(u *envelope.UImage, load, entry string) error {
	var err error
	if u.Load, err = parseAddress("--load", load, 0); err != nil {
		return err
	}
	u.Entry, err = parseAddress("--entry", entry, u.Load)
	return err
}

// parseAddress reads a hexadecimal number. It wants the 0x, because mkimage and U-Boot take any
// number as hexadecimal, and other programs do not.
func parseAddress(flag, text string, unset uint32) (uint32, error) {
	if text == "" {
		return unset, nil
	}
	digits, hex := strings.CutPrefix(text, "0x")
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || !hex {
		return 0, usageError{fmt.Errorf("%s %q: want an address of 32 bits, as in 0x82000000", flag, text)}
	}
	return uint32(n), nil
}

// wrapped is an image that goes into a file for a boot loader.
type wrapped struct {
	io.Closer
	bare *io.SectionReader
	arch string
	perm fs.FileMode // of the file for the boot loader
}

// openWrapped opens the image arg. It is for the architecture that the image says, or for
// the one of --arch.
func openWrapped(cmd *cobra.Command, arg, arch string) (*wrapped, error) {
	name, _ := image.SplitChoice(arg)
	info := statStream(name, cmd.InOrStdin()) // before opening, which may copy the image
	in, err := openRegular(cmd.InOrStdin(), arg)
	if err != nil {
		return nil, err
	}
	w := &wrapped{Closer: in, perm: 0o666}
	if info != nil && info.Mode()&0o004 == 0 && info.Mode()&(fs.ModeNamedPipe|fs.ModeSocket) == 0 {
		w.perm = 0o600
	}
	if err = w.unwrap(cmd, arg, in); err == nil {
		err = w.settleArch(cmd, arg, arch)
	}
	if err != nil {
		in.Close()
		return nil, err
	}
	return w, nil
}

// unwrap finds the image in a file for a boot loader, or takes all of the file.
func (w *wrapped) unwrap(cmd *cobra.Command, arg string, in openedImage) error {
	bare, findings, err := image.Unwrap(in)
	printFindings(cmd.ErrOrStderr(), arg, findings)
	if err != nil {
		return fmt.Errorf("%s: %w", imageName(arg), err)
	}
	if bare == nil {
		info, err := in.Stat()
		if err != nil {
			return err
		}
		bare = io.NewSectionReader(in, 0, info.Size())
	} else {
		fmt.Fprintf(cmd.ErrOrStderr(), "mkinitfs: %s: is a file for a boot loader: only its ramdisk is wrapped\n", imageName(arg))
	}
	w.bare = bare
	return nil
}

// settleArch sets the architecture to that of the image, or to want if that is given.
func (w *wrapped) settleArch(cmd *cobra.Command, arg, want string) error {
	own, err := image.Arch(io.NewSectionReader(w.bare, 0, w.bare.Size()))
	switch {
	case errors.Is(err, image.ErrNoArch) && want == "":
		return fmt.Errorf("%s: %w\n  add --arch ARCH", imageName(arg), err)
	case err != nil && !errors.Is(err, image.ErrNoArch):
		return fmt.Errorf("%s: %w", imageName(arg), err)
	}
	if w.arch = want; want == "" {
		w.arch = own
	} else if own != "" && family(own) != family(want) {
		fmt.Fprintf(cmd.ErrOrStderr(), "mkinitfs: warning: %s: is for %s, and the uImage says %s\n", imageName(arg), own, want)
	}
	return nil
}

// family returns the architecture without its variant: U-Boot has one number for all of them.
func family(arch string) string {
	name, _, _ := strings.Cut(arch, "/")
	return name
}
