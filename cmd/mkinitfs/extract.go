package main

import (
	"errors"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/builder/unpack"
	"github.com/mkinitfs/mkinitfs/internal/words"
)

func extractCommand() *cobra.Command {
	var force, outer bool
	cmd := &cobra.Command{
		Use:   "extract IMAGE DIR [PATTERN...]",
		Short: "Unpack the root that an image brings up into a directory",
		Long: "Unpack the root that an image (\"-\" is standard input) brings up, as list shows it,\n" +
			"into DIR, which is made if it is missing. PATTERNs are paths or globs (/etc/**): what\n" +
			"they match is unpacked, a directory with all that is in it.\n\n" +
			"Run by root the root is exact. For any other user everything is the user's own, without\n" +
			"setuid and setgid bits that were meant for others, and device nodes are left out.\n" +
			"Nothing is ever written outside of DIR, whatever names and links the image has and\n" +
			"whatever other users do meanwhile.",
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				return usageError{fmt.Errorf("extract takes an image and a directory, got %s", words.Count(len(args), "argument", "arguments"))}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			selected, err := newSelection(args[2:])
			if err != nil {
				return usageError{err}
			}
			in, err := openInput(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			dir, err := openTarget(args[1], force)
			if err != nil {
				return err
			}
			defer dir.Close()
			x := &image.Extraction{Dir: dir.File, Outer: outer, Parents: true, Select: selected.has}
			err = x.Extract(cmd.Context(), in)
			printFindings(cmd.ErrOrStderr(), args[0], x.Findings)
			printDifferences(cmd.ErrOrStderr(), x)
			if err == nil {
				err = selected.unmatched()
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
	cmd.Flags().BoolVarP(&force, "force", "f", false, "unpack into a directory that is not empty: what the image has too is replaced")
	cmd.Flags().BoolVar(&outer, "outer", false, "unpack what the kernel unpacks: the stub and the members instead of what they hold")
	return cmd
}

// printDifferences says what is not as in the image.
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

// selection is what the patterns of a command line select: everything if there are none.
type selection struct {
	patterns []wantedPattern
}

// wantedPattern is a path or a glob.
type wantedPattern struct {
	text, glob string
	matched    bool
}

func newSelection(patterns []string) (*selection, error) {
	s := &selection{}
	for _, text := range patterns {
		glob := path.Clean("/" + text)
		if !doublestar.ValidatePattern(glob) {
			return nil, fmt.Errorf("pattern %q: cannot be read", text)
		}
		s.patterns = append(s.patterns, wantedPattern{text: text, glob: glob})
	}
	return s, nil
}

// has reports whether a path, or a folder that it is in, is selected.
func (s *selection) has(name string) bool {
	name = path.Clean(name)
	found := len(s.patterns) == 0
	for i := range s.patterns {
		p := &s.patterns[i]
		for at := name; ; at = path.Dir(at) {
			if at == p.glob || doublestar.MatchUnvalidated(p.glob, at) {
				p.matched, found = true, true
				break
			}
			if at == "/" {
				break
			}
		}
	}
	return found
}

// unmatched returns an error that names the patterns which select nothing.
func (s *selection) unmatched() error {
	var names []string
	for _, p := range s.patterns {
		if !p.matched {
			names = append(names, fmt.Sprintf("%q", p.text))
		}
	}
	if names == nil {
		return nil
	}
	return errors.New("nothing in it matches " + strings.Join(names, ", "))
}
