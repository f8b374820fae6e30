package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/internal/newfile"
)

func catCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "cat IMAGE PATH...",
		Short: "Print files of the root that an image brings up",
		Long: "Print the content of regular files of the root that an image (\"-\" is standard input)\n" +
			"brings up. Links lead where they lead once the root is up: hard links to the content\n" +
			"that they share, symbolic links to other files of the image and never to the host's.\n\n" +
			"What cannot be printed is named, and the rest is; then the exit status is 1.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usageError{fmt.Errorf("cat takes an image and paths in it, got %s", count(len(args), "argument", "arguments"))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			collectLate()
			in, err := openFile(args[0])
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

// openFile opens an image that is read more than once: what is not a regular file is
// copied to one that has no name.
func openFile(name string) (*os.File, error) {
	in := os.Stdin
	if name != "-" {
		var err error
		if in, err = os.Open(name); err != nil {
			return nil, err
		}
	}
	info, err := in.Stat()
	if err != nil || info.Mode().IsRegular() {
		return in, err
	}
	defer in.Close()
	spool, err := newfile.Temp("")
	if err != nil {
		return nil, err
	}
	if _, err = io.Copy(spool, in); err == nil {
		_, err = spool.Seek(0, io.SeekStart)
	}
	if err != nil {
		spool.Close()
		return nil, fmt.Errorf("copy %s: %w", imageName(name), err)
	}
	return spool, nil
}
