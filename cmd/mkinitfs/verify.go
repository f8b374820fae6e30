package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/internal/words"
)

func verifyCommand(lookup func(string) (string, bool)) *cobra.Command {
	var f manifestFlags
	var manifest string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify IMAGE",
		Short: "Compare all sums of an image, or build it again",
		Long: "Compare all sums of an image (\"-\" is standard input): those of the file for a boot\n" +
			"loader that it is in, of its compressed streams, of its boot plan. It names each sum,\n" +
			"and each part that has none.\n\n" +
			"--rebuild builds the image again from its manifest, without the cache, and compares the\n" +
			"bytes. It shows the difference between two images as diff does.\n\n" +
			"The exit status is 0 if all is as it should be, 1 if something is damaged or differs, 2\n" +
			"after an error.",
		Args: exactly(1, "one image"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := wantImage(cmd, args); err != nil {
				return err
			}
			if err := wantRebuild(cmd, args[0], manifest); err != nil {
				return err
			}
			in, err := openRegular(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			v, err := image.Verify(cmd.Context(), in)
			if err != nil {
				return fmt.Errorf("%s: %w", imageName(args[0]), err)
			}
			printFindings(cmd.ErrOrStderr(), args[0], v.Info.Findings)
			if !asJSON {
				if err := printVerification(cmd.OutOrStdout(), imageName(args[0]), v); err != nil {
					return err
				}
			}
			var again *rebuilt
			if manifest != "" && !v.Whole() {
				fmt.Fprintln(cmd.ErrOrStderr(), "mkinitfs: not built again, because the image is damaged")
			} else if manifest != "" {
				if again, err = rebuild(cmd, &f, args[0], in, v.Epoch, manifest, lookup); err != nil {
					return err
				}
				defer again.Close()
			}
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), describeVerification(v, again))
			} else if again != nil {
				err = again.print(cmd.OutOrStdout())
			}
			if err == nil && !(v.Whole() && (again == nil || again.identical)) {
				err = exitStatus(exitDiffers)
			}
			return err
		},
	}
	f.addBuild(cmd)
	cmd.Flags().StringVar(&manifest, "rebuild", "", "build the image again from `MANIFEST` and compare")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return cmd
}

// wantRebuild returns an error if --rebuild names no manifest, and if flags for building are
// given without it.
func wantRebuild(cmd *cobra.Command, name, manifest string) error {
	switch rebuild := cmd.Flags().Changed("rebuild"); {
	case rebuild && manifest == "":
		return usageError{errors.New("--rebuild \"\": want a manifest")}
	case rebuild && name == "-" && manifest == "-":
		return usageError{errors.New("only one of image and manifest can be standard input")}
	case rebuild:
		return nil
	}
	var stray error
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name != "json" {
			stray = usageError{fmt.Errorf("--%s is for building: add --rebuild MANIFEST", f.Name)}
		}
	})
	return stray
}

// printVerification prints a line for each sum, then what they say together.
func printVerification(w io.Writer, name string, v *image.Verification) error {
	out := bufio.NewWriter(w)
	matching, none := 0, 0
	for _, s := range v.Sums {
		switch {
		case s.Damage != "":
			fmt.Fprintf(out, "damaged  %s: %s: %s\n", printable(s.Of), s.Kind, printable(s.Damage))
		case s.Kind == "":
			none++
			fmt.Fprintf(out, "no sum   %s\n", printable(s.Of))
		default:
			matching++
			fmt.Fprintf(out, "ok       %s: %s\n", printable(s.Of), s.Kind)
		}
	}
	for _, d := range v.Damage {
		fmt.Fprintf(out, "damaged  %s\n", printable(d))
	}
	verdict := "whole: " + words.Count(matching, "sum matches", "sums match")
	switch {
	case !v.Whole():
		verdict = "damaged"
	case matching == 0:
		verdict = "readable, but it has no sum that would show damage"
	case none > 0:
		verdict += ", " + words.Count(none, "part has none", "parts have none")
	}
	fmt.Fprintf(out, "%s: %s\n", name, verdict)
	return out.Flush()
}
