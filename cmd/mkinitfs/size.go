package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/builder/image"
)

func sizeCommand() *cobra.Command {
	var depth int
	var files, asJSON bool
	var html string
	cmd := &cobra.Command{
		Use:   "size IMAGE",
		Short: "Show what the bytes of an image are spent on",
		Long: "Show what the bytes of an image (\"-\" is standard input) are spent on: packed, as they\n" +
			"are in the image, and raw, by directory, the largest first.\n\n" +
			"Packed bytes are a share. A codec packs blocks of many files, and stores what is alike\n" +
			"in them once. A file is charged with its part of the blocks that it is in.",
		Args: exactly(1, "one image"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if files && cmd.Flags().Changed("depth") {
				return usageError{errors.New("--files and --depth: one of them")}
			}
			if depth < 0 {
				return usageError{fmt.Errorf("--depth %d: want 0 or more", depth)}
			}
			if file, _ := image.SplitChoice(args[0]); html != "" && sameFile(html, file) {
				return usageError{fmt.Errorf("--html %s: this is the image", html)}
			}
			in, err := openInput(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			use, err := image.Spent(in)
			if err != nil {
				return fmt.Errorf("%s: %w", imageName(args[0]), err)
			}
			if html != "" {
				if err := writeTreemap(cmd.OutOrStdout(), html, imageName(args[0]), use); err != nil {
					return err
				}
			}
			switch {
			case asJSON:
				return printJSON(cmd.OutOrStdout(), describeUse(use))
			case html != "":
				return nil
			case files:
				return printUse(cmd.OutOrStdout(), imageName(args[0]), use, use.Leaves())
			}
			return printUse(cmd.OutOrStdout(), imageName(args[0]), use, use.Directories(depth))
		},
	}
	cmd.Flags().IntVarP(&depth, "depth", "d", 2, "show directories down to `N` levels")
	cmd.Flags().BoolVar(&files, "files", false, "show files instead of directories, the largest first")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the bytes of every path as JSON")
	cmd.Flags().StringVar(&html, "html", "", "write a map for a browser to `FILE`")
	return cmd
}

// earlyFiles is what an image has in front of everything else.
const earlyFiles = "microcode and ACPI tables"

// useJSON is the stable form of what size prints.
type useJSON struct {
	Size  int64       `json:"size"`            // bytes of the image
	Early int64       `json:"early,omitempty"` // of these for microcode and ACPI tables that are not in the root
	Boot  int64       `json:"boot"`            // of these for the stub and its plan
	Root  []shareJSON `json:"root"`            // by path; headers and padding are the rest of size
}

type shareJSON struct {
	Path      string `json:"path"`
	PathExact string `json:"path_base64,omitempty"` // if it is not UTF-8
	Size      int64  `json:"size"`
	Packed    int64  `json:"packed"`
}

func describeUse(u *image.Use) useJSON {
	d := useJSON{Size: u.Size, Early: u.Early, Boot: u.Boot, Root: []shareJSON{}}
	for _, s := range u.Root {
		d.Root = append(d.Root, shareJSON{s.Path, exact(s.Path), s.Size, s.Packed})
	}
	return d
}

func printUse(w io.Writer, name string, u *image.Use, rows []image.Share) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%10s  %5s  %10s\n", "packed", "", "raw")
	line := func(packed int64, raw, what string) {
		fmt.Fprintf(out, "%10s %5.1f%%  %10s  %s\n", sizeText(packed), 100*float64(packed)/float64(u.Size), raw, what)
	}
	for _, s := range rows {
		line(s.Packed, sizeText(s.Size), printable(s.Path))
	}
	if u.Early > 0 {
		line(u.Early, "", "("+earlyFiles+")")
	}
	if u.Boot > 0 {
		line(u.Boot, "", "(the stub and its plan)")
	}
	line(u.Rest(), "", "(headers and padding)")
	line(u.Size, "", name)
	return out.Flush()
}

func sameFile(a, b string) bool {
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}
