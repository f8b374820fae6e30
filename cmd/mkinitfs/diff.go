package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/builder/difference"
	"github.com/mkinitfs/mkinitfs/internal/newfile"
)

func diffCommand(lookup func(string) (string, bool)) *cobra.Command {
	var f manifestFlags
	var ignore []string
	var stat, contents, asJSON bool
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Compare two images, manifests or directories",
		Long: "Compare two images, manifests or directories, in any mix (\"-\" is standard input). Of a\n" +
			"manifest it compares the image that build would make, without packing it.\n\n" +
			"It prints a line for each path that differs: what changed, and from what to what. \"-\"\n" +
			"marks paths that only A has, \"+\" those that only B has, \"~\" the others.\n\n" +
			"The exit status is 0 if both are the same, 1 if they differ, 2 after an error.",
		Args: exactly(2, "two images, manifests or directories"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ignored, err := parseIgnore(ignore)
			switch {
			case err != nil:
				return err
			case stat && contents || asJSON && (stat || contents):
				return usageError{errors.New("--stat, --content and --json: one of them")}
			case args[0] == "-" && args[1] == "-":
				return usageError{errors.New("only one of the two can be standard input")}
			}
			var sides [2]*difference.Side
			for i, arg := range args {
				side, err := openSide(cmd, &f, arg, lookup)
				if err != nil {
					return err
				}
				defer side.close()
				sides[i] = side.Side
			}
			a, b := sides[0], sides[1]
			r, err := difference.Of(cmd.Context(), a, b, ignored)
			if err != nil {
				return err
			}
			for _, what := range r.Skipped {
				fmt.Fprintf(cmd.ErrOrStderr(), "mkinitfs: not compared: %s\n", what)
			}
			switch p := (&diffPrinter{a: a, b: b, Result: r}); {
			case asJSON:
				err = printDiffJSON(cmd.OutOrStdout(), a, b, r)
			case stat:
				err = p.stat(cmd.OutOrStdout())
			default:
				if contents {
					file, err := newfile.Temp("")
					if err != nil {
						return err
					}
					defer file.Close()
					if p.texts, err = difference.ReadTexts(cmd.Context(), file, a, b, slices.Concat(r.Root, r.Beside)); err != nil {
						return err
					}
				}
				err = p.print(cmd.OutOrStdout())
			}
			if err == nil && !r.Same() {
				err = exitStatus(exitDiffers)
			}
			return err
		},
	}
	f.addSources(cmd)
	cmd.Flags().StringSliceVar(&ignore, "ignore", nil, "leave out `ATTRIBUTES`: "+strings.Join(difference.Ignorable(), ", "))
	_ = cmd.RegisterFlagCompletionFunc("ignore", cobra.FixedCompletions(difference.Ignorable(), cobra.ShellCompDirectiveNoFileComp))
	cmd.Flags().BoolVar(&stat, "stat", false, "show the sizes of what differs, of segments and of all")
	cmd.Flags().BoolVar(&contents, "content", false, "show how text files differ")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the differences as JSON")
	return cmd
}

func parseIgnore(names []string) (map[string]bool, error) {
	known, ignored := difference.Ignorable(), map[string]bool{}
	for _, name := range names {
		if !slices.Contains(known, name) {
			return nil, usageError{fmt.Errorf("--ignore %q: unknown attribute%s\n  the attributes are %s", name, meant("", name, known), strings.Join(known, ", "))}
		}
		ignored[name] = true
	}
	return ignored, nil
}
