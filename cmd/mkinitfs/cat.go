package main

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/internal/words"
)

func catCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "cat IMAGE PATH...",
		Short: "Print files of the root of an image",
		Long: "Print the content of regular files of the root of an image (\"-\" is standard input).\n" +
			"Symbolic links lead to files of the image, never to the host's.\n\n" +
			"It names each path that it cannot print and goes on with the others. The exit status\n" +
			"is then 1.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return misused(cmd, "cat takes an image and paths in it, got %s", words.Count(len(args), "argument", "arguments"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := openRegular(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			name := imageName(args[0])
			files, readErr := image.ReadFiles(in)
			if files == nil {
				return fmt.Errorf("%s: %w", name, readErr)
			}
			if readErr != nil && files.Empty() {
				return fmt.Errorf("%s: %w", name, readErr)
			}
			printFindings(cmd.ErrOrStderr(), args[0], files.Findings)
			var status error
			for _, path := range args[1:] {
				err := files.Copy(cmd.OutOrStdout(), path)
				if missing, ok := errors.AsType[*fs.PathError](err); ok && missing.Path == path {
					if readErr != nil && errors.Is(err, fs.ErrNotExist) {
						err = fmt.Errorf("read %s: not in what comes before the damage", path)
					}
					fmt.Fprintf(cmd.ErrOrStderr(), "mkinitfs: %s: %v\n", name, err)
					status = exitStatus(exitFailed)
				} else if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
			if readErr != nil {
				return fmt.Errorf("%s: %w", name, readErr)
			}
			return status
		},
	}
}
