package main

import (
	"errors"
	"fmt"
	"io/fs"
	"path"

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
			img := imageName(args[0])
			files, readErr := image.ReadFiles(in)
			if files == nil {
				return fmt.Errorf("%s: %w", img, readErr)
			}
			if readErr != nil && files.Empty() {
				return fmt.Errorf("%s: %w", img, readErr)
			}
			printFindings(cmd.ErrOrStderr(), args[0], files.Findings)
			var status error
			for _, name := range args[1:] {
				err := files.Copy(cmd.OutOrStdout(), name)
				var missing *fs.PathError
				if errors.As(err, &missing) && missing.Path == name {
					switch {
					case !errors.Is(err, fs.ErrNotExist):
					case readErr != nil:
						err = fmt.Errorf("read %s: not in what comes before the damage", name)
					default:
						err = notThere(files, name)
					}
					fmt.Fprintf(cmd.ErrOrStderr(), "mkinitfs: %s: %v\n", img, err)
					status = exitStatus(exitFailed)
				} else if err != nil {
					return fmt.Errorf("%s: %w", img, err)
				}
			}
			if readErr != nil {
				return fmt.Errorf("%s: %w", img, readErr)
			}
			return status
		},
	}
}

// notThere returns the error for a path that an image does not have.
func notThere(files *image.Files, name string) error {
	place, beside, elsewhere := files.Missing(name)
	lead := ""
	if place != path.Join("/", name) {
		lead = "it leads to " + printable(place) + ", which is "
	}
	dir, base := path.Split(place)
	near := meant(dir, base, beside)
	if near == "" && len(elsewhere) > 0 {
		near = fmt.Sprintf(" (did you mean %q?)", elsewhere[0])
	}
	return fmt.Errorf("read %s: %snot in the image%s", name, lead, near)
}
