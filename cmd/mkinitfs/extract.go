package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/builder/unpack"
	"github.com/mkinitfs/mkinitfs/internal/words"
)

func extractCommand() *cobra.Command {
	var force, outer bool
	cmd := &cobra.Command{
		Use:   "extract IMAGE DIR [PATTERN...]",
		Short: "Unpack the root of an image into a directory",
		Long: "Unpack the root of an image (\"-\" is standard input), as list shows it, into DIR. A\n" +
			"missing DIR is made. PATTERNs are paths or globs (/etc/**) that choose a part of the\n" +
			"root. A directory brings everything in it. Links of the image are followed, as in cat.\n\n" +
			"If you are root, owners, device nodes and extended attributes are those of the image.\n" +
			"Otherwise you own everything, setuid and setgid bits for other owners are cleared, and\n" +
			"device nodes are left out.\n" +
			"Nothing is ever written outside of DIR, whatever names and links are in the image and\n" +
			"whatever other users do meanwhile.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return misused(cmd, "extract takes an image and a directory, got %s", words.Count(len(args), "argument", "arguments"))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			in, selection, err := openSelected(cmd.InOrStdin(), args[0], outer, args[2:])
			if err != nil {
				return err
			}
			defer in.Close()
			dir, err := openTarget(args[1], force)
			if err != nil {
				return err
			}
			defer dir.Close()
			x := &image.Extraction{Dir: dir.File, Outer: outer, Parents: true, Select: selection.Has}
			err = x.Extract(cmd.Context(), in)
			printFindings(cmd.ErrOrStderr(), args[0], x.Findings)
			printDifferences(cmd.ErrOrStderr(), x)
			if err == nil {
				err = unmatched(selection)
			}
			if err != nil {
				dir.remove()
				if made, ok := errors.AsType[*unpack.Error](err); ok {
					made.Name = filepath.Join(args[1], made.Name)
				}
				return fmt.Errorf("%s: %w", imageName(args[0]), err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&force, "force", "f", false, "unpack into a directory that is not empty, and replace entries that the image has too")
	cmd.Flags().BoolVar(&outer, "outer", false, "unpack what the kernel unpacks: the stub and the members, not their contents")
	return cmd
}

// printDifferences lists the differences from the image.
func printDifferences(w io.Writer, x *image.Extraction) {
	if x.Squashed > 0 {
		fmt.Fprintf(w, "mkinitfs: %s given to root: there are no ids for their owners here\n", words.Count(x.Squashed, "entry", "entries"))
	}
	if n := len(x.Skipped); n > 0 {
		fmt.Fprintf(w, "mkinitfs: %s left out, the first being %s: only root can make them\n",
			words.Count(n, "device node", "device nodes"), printable(x.Skipped[0]))
	}
	if n := len(x.Kept); n > 0 {
		fmt.Fprintf(w, "mkinitfs: %s left with owner and mode as before, the first being %s: others can have put it there\n",
			words.Count(n, "directory", "directories"), printable(x.Kept[0]))
	}
	if n := len(x.Unset); n > 0 {
		fmt.Fprintf(w, "mkinitfs: %s not set, the first being %v\n", words.Count(n, "extended attribute", "extended attributes"), x.Unset[0])
	}
}

// openSelected opens an image and finds the entries that patterns select. It reads all of the
// image, because links that a pattern leads through may be anywhere in it.
func openSelected(stdin io.Reader, name string, outer bool, patterns []string) (io.ReadCloser, *image.Selection, error) {
	selection, err := image.Select(patterns...)
	if err != nil {
		return nil, nil, usageError{err}
	}
	if selection.Empty() || outer {
		in, err := openInput(stdin, name)
		return in, selection, err
	}
	in, err := openRegular(stdin, name)
	if err != nil {
		return nil, nil, err
	}
	// Findings about the image are printed when it is extracted.
	if files, _ := image.ReadFiles(in); files != nil {
		selection.Follow(files)
	}
	return in, selection, nil
}

// unmatched returns an error that names the patterns without a match.
func unmatched(s *image.Selection) error {
	var quoted []string
	for _, text := range s.Unmatched() {
		quoted = append(quoted, strconv.Quote(text))
	}
	if quoted == nil {
		return nil
	}
	return errors.New("nothing in it matches " + strings.Join(quoted, ", "))
}
