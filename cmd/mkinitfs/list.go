package main

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/image"
)

func listCommand() *cobra.Command {
	var long, asJSON, outer bool
	cmd := &cobra.Command{
		Use:   "list IMAGE",
		Short: "List the root of an image",
		Long: "List the root of an image (\"-\" is standard input) as it is after the boot. An image is\n" +
			"any run of newc archives, raw or compressed, of mkinitfs or of other tools.\n\n" +
			"In a uImage, a FIT image or a unified kernel image it reads the ramdisk that the boot\n" +
			"loader takes. IMAGE@NAME reads another part of such a file.",
		Args: exactly(1, "one image"),
		RunE: func(cmd *cobra.Command, args []string) error {
			in, err := openInput(cmd.InOrStdin(), args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			list := image.List
			if outer {
				list = listOuter
			}
			entries, info, err := list(in)
			// The readable part of a damaged image is worth showing.
			if printErr := printEntries(cmd.OutOrStdout(), entries, long, asJSON, outer); printErr != nil {
				return printErr
			}
			printFindings(cmd.ErrOrStderr(), args[0], info.Findings)
			if err != nil {
				return fmt.Errorf("%s: %w", imageName(args[0]), err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&long, "long", "l", false, "show type, mode, links, owner, size or device, time (UTC), target")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the entries as JSON")
	cmd.Flags().BoolVar(&outer, "outer", false, "list what the kernel unpacks: the stub and the members, not their contents")
	return cmd
}

// printFindings prints findings about an image as warnings.
func printFindings(w io.Writer, name string, findings image.Findings) {
	for _, f := range findings {
		fmt.Fprintf(w, "mkinitfs: warning: %s: %s\n", imageName(name), &f)
	}
}

// listOuter returns the entries of the segments themselves.
func listOuter(r io.Reader) ([]image.Entry, *image.Info, error) {
	var entries []image.Entry
	info, err := image.WalkOuter(r, func(e *image.Entry, _ io.Reader) error {
		entries = append(entries, *e)
		return nil
	})
	return entries, info, err
}

func printEntries(w io.Writer, entries []image.Entry, long, asJSON, outer bool) error {
	if asJSON {
		list := make([]entryJSON, len(entries))
		for i := range entries {
			list[i] = describe(&entries[i], outer)
		}
		return printJSON(w, list)
	}
	out := bufio.NewWriterSize(w, 64<<10)
	marked := false
	for i := range entries {
		marked = marked || len(entries[i].Xattrs) > 0
	}
	for i := range entries {
		switch e := &entries[i]; {
		case long:
			printLong(out, describe(e, outer), e.Mode, marked)
		case outer:
			out.WriteString(printable(e.Name))
			out.WriteByte('\n')
		default:
			out.WriteString(printable(e.Path()))
			out.WriteByte('\n')
		}
	}
	return out.Flush()
}

// printLong prints an entry as ls -l does. If some entries have a mark, the others get a
// space in its place.
func printLong(out io.Writer, e entryJSON, mode uint32, marked bool) {
	what := fmt.Sprint(e.Size)
	if e.Device != "" {
		what = e.Device
	}
	mark := ""
	switch {
	case len(e.Xattrs) > 0:
		mark = "+"
	case marked:
		mark = " "
	}
	fmt.Fprintf(out, "%s%s %3d %5d %5d %10s %s %s", modeText(mode), mark, e.Links, e.UID, e.GID, what,
		time.Unix(e.MTime, 0).UTC().Format("2006-01-02 15:04:05"), printable(e.Path))
	switch {
	case e.Target != "":
		fmt.Fprintf(out, " -> %s", printable(e.Target))
	case e.HardLinkOf != "":
		fmt.Fprintf(out, " link to %s", printable(e.HardLinkOf))
	}
	fmt.Fprintln(out)
	printXattrs(out, e.Xattrs)
}

// printable returns a name as ls -b shows it. Control characters are octal digits, and a
// backslash is doubled.
func printable(name string) string {
	i := 0
	for i < len(name) && ' ' <= name[i] && name[i] <= '~' && name[i] != '\\' {
		i++
	}
	if i == len(name) {
		return name
	}
	plain := func(r rune) bool { return r != '\\' && r != utf8.RuneError && unicode.IsPrint(r) }
	var b strings.Builder
	b.WriteString(name[:i])
	for i < len(name) {
		r, n := utf8.DecodeRuneInString(name[i:])
		switch {
		case plain(r):
			b.WriteString(name[i : i+n])
		case r == '\\':
			b.WriteString(`\\`)
		default:
			for _, c := range []byte(name[i : i+n]) {
				fmt.Fprintf(&b, `\%03o`, c)
			}
		}
		i += n
	}
	return b.String()
}

// entryJSON is the stable form of an entry. Names that are not UTF-8, which JSON cannot
// hold, are in base64 as well.
type entryJSON struct {
	Path            string `json:"path"`
	PathExact       string `json:"path_base64,omitempty"`
	Type            string `json:"type"`
	Mode            string `json:"mode"` // permission bits, octal
	UID             uint32 `json:"uid"`
	GID             uint32 `json:"gid"`
	Links           uint32 `json:"nlink"`
	Size            int64  `json:"size"`
	MTime           int64  `json:"mtime"` // seconds since 1970
	Device          string `json:"device,omitempty"`
	Target          string `json:"target,omitempty"`
	TargetExact     string `json:"target_base64,omitempty"`
	HardLinkOf      string `json:"hard_link_of,omitempty"`
	HardLinkOfExact string `json:"hard_link_of_base64,omitempty"`
	Segment         int    `json:"segment"`
	Member          string `json:"member,omitempty"`

	Xattrs map[string]xattrJSON `json:"xattrs,omitempty"` // by name
}

func describe(e *image.Entry, outer bool) entryJSON {
	t := typeOf(e.Mode)
	d := entryJSON{
		Path: e.Path(), Type: t.name, Mode: fmt.Sprintf("%04o", e.Mode&0o7777), UID: e.UID, GID: e.GID,
		Links: e.Nlink, Size: e.Size, MTime: e.MTime, Target: e.Link, HardLinkOf: e.HardLinkOf,
		Segment: e.Segment, Member: e.Member, Xattrs: describeXattrs(e.Xattrs),
	}
	switch {
	case outer:
		d.Path = e.Name
	case d.HardLinkOf != "":
		d.HardLinkOf = path.Clean("/" + d.HardLinkOf)
	}
	if t.mode == cpio.TypeChar || t.mode == cpio.TypeBlock {
		d.Device = fmt.Sprintf("%d:%d", e.RdevMajor, e.RdevMinor)
	}
	d.PathExact, d.TargetExact, d.HardLinkOfExact = exact(d.Path), exact(d.Target), exact(d.HardLinkOf)
	return d
}

// exact returns a name in base64 if it is not UTF-8, else "".
func exact(name string) string {
	if utf8.ValidString(name) {
		return ""
	}
	return base64.StdEncoding.EncodeToString([]byte(name))
}

type fileType struct {
	mode   uint32
	letter byte // as ls shows it
	name   string
}

// fileTypes describes the file types. The last row is for modes without a known type.
var fileTypes = []fileType{
	{cpio.TypeFile, '-', "file"}, {cpio.TypeDir, 'd', "dir"}, {cpio.TypeLink, 'l', "symlink"},
	{cpio.TypeChar, 'c', "char"}, {cpio.TypeBlock, 'b', "block"}, {cpio.TypeFIFO, 'p', "fifo"},
	{cpio.TypeSocket, 's', "socket"}, {0, '?', "unknown"},
}

func typeOf(mode uint32) fileType {
	for _, t := range fileTypes {
		if t.mode == mode&cpio.TypeMask {
			return t
		}
	}
	return fileTypes[len(fileTypes)-1]
}

// modeText returns a mode as ls -l shows it.
func modeText(mode uint32) string {
	text := []byte(strings.Repeat("rwx", 3))
	for i := range text {
		if mode&(0o400>>i) == 0 {
			text[i] = '-'
		}
	}
	for i, special := range []struct {
		bit  uint32
		mark byte
	}{{0o4000, 's'}, {0o2000, 's'}, {0o1000, 't'}} {
		if mode&special.bit == 0 {
			continue
		}
		x := &text[3*i+2]
		if *x == '-' {
			*x = special.mark - 'a' + 'A'
		} else {
			*x = special.mark
		}
	}
	return string(typeOf(mode).letter) + string(text)
}
