package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/builder"
	"github.com/mkinitfs/mkinitfs/builder/difference"
	"github.com/mkinitfs/mkinitfs/builder/envelope"
	"github.com/mkinitfs/mkinitfs/builder/image"
)

// openedSide is a side of a comparison whose contents can be read.
type openedSide struct {
	*difference.Side
	close func()
}

// openSide opens an image, a manifest or a directory. It prints warnings about it.
func openSide(cmd *cobra.Command, f *manifestFlags, arg string, lookup func(string) (string, bool)) (*openedSide, error) {
	name, ramdisk := image.SplitChoice(arg)
	if info, err := os.Stat(name); name != "-" && err == nil && info.IsDir() {
		side, err := difference.OfDirectory(cmd.Context(), arg, arg)
		return &openedSide{side, func() {}}, err
	}
	in, err := openRegular(cmd.InOrStdin(), arg)
	if err != nil {
		return nil, err
	}
	if ramdisk == "" && isManifest(name, in) {
		defer in.Close()
		return planSide(cmd, f, arg, in, lookup)
	}
	side, err := difference.OfImage(cmd.Context(), imageName(arg), in)
	printFindings(cmd.ErrOrStderr(), arg, side.Image.Findings)
	if err != nil {
		in.Close()
		return nil, fmt.Errorf("%s: %w", imageName(arg), err)
	}
	return &openedSide{side, func() { in.Close() }}, nil
}

// planSide plans a manifest. It reads one from a pipe from in, the opened manifest.
func planSide(cmd *cobra.Command, f *manifestFlags, arg string, in io.ReadSeeker, lookup func(string) (string, bool)) (*openedSide, error) {
	planned, err := planManifest(cmd, f, arg, in, lookup)
	if err != nil {
		return nil, err
	}
	for _, text := range planned.Warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "mkinitfs: warning:", text)
	}
	return &openedSide{difference.OfPlan(imageName(arg), planned.Entries, planned.Boot), func() { planned.Close() }}, nil
}

// planManifest plans a manifest. It reads one from a pipe from in, the opened manifest.
func planManifest(cmd *cobra.Command, f *manifestFlags, arg string, in io.ReadSeeker, lookup func(string) (string, bool)) (*builder.Planned, error) {
	name, stdin := arg, cmd.InOrStdin()
	if info, err := os.Stat(arg); err != nil || !info.Mode().IsRegular() {
		if _, err := in.Seek(0, io.SeekStart); err != nil {
			return nil, err
		}
		name, stdin = "-", io.MultiReader(in) // not a file: no item of the manifest can read it
	}
	m, o, err := f.load(cmd.Context(), []string{name}, stdin, lookup)
	if err != nil {
		return nil, err
	}
	return builder.Plan(cmd.Context(), m, o)
}

// isManifest reports whether a file is a manifest and not an image: by its content or, if that
// tells nothing, by its name.
func isManifest(name string, in io.ReaderAt) bool {
	head := make([]byte, 4<<10)
	n, _ := in.ReadAt(head, 0)
	head = head[:n]
	switch {
	case envelope.Begins(head), image.Begins(io.NewSectionReader(in, 0, 1<<62)), bytes.IndexByte(head, 0) >= 0:
		return false
	case manifestLine.Match(head):
		return true
	}
	return slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(name))
}
