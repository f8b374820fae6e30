package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/builder/minram"
)

func inspectCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect IMAGE",
		Short: "Say what an image is made of",
		Long: "Say what an image (\"-\" is standard input) is made of: the file for a boot loader that\n" +
			"it is in, its segments with their codecs, early files, boot configuration, stub and boot\n" +
			"plan, what is in its root, the RAM that it needs, and what the kernel makes of its\n" +
			"oddities.",
		Args: exactly(1, "one image"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := openRegular(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			found, err := image.Inspect(cmd.Context(), in)
			if err != nil && len(found.Info.Segments) == 0 && found.Info.Envelope == nil {
				return fmt.Errorf("%s: %w", imageName(args[0]), err)
			}
			d, describeErr := describeInspection(found)
			err = errors.Join(err, describeErr)
			if err == nil {
				d.Arch, d.MinRAM, err = needs(in)
			}
			// The readable part of a damaged image is worth showing.
			if asJSON {
				if err := printJSON(cmd.OutOrStdout(), d); err != nil {
					return err
				}
			} else if err := printInspection(cmd.OutOrStdout(), imageName(args[0]), d); err != nil {
				return err
			}
			if err != nil {
				return fmt.Errorf("%s: %w", imageName(args[0]), err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	return cmd
}

// needs returns the architecture of an image, "" if nothing in it tells, and the least RAM for
// it there.
func needs(in openedImage) (string, *minram.MinRAM, error) {
	arch, err := image.Arch(in)
	if errors.Is(err, image.ErrNoArch) {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	bare, _, err := image.Unwrap(in)
	if err != nil {
		return "", nil, err
	}
	if bare != nil {
		least, err := minram.OfImage(bare, bare.Size(), arch)
		return arch, least, err
	}
	info, err := in.Stat()
	if err != nil {
		return "", nil, err
	}
	least, err := minram.OfImage(in, info.Size(), arch)
	return arch, least, err
}
