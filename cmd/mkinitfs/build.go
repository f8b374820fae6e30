package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/builder"
	"github.com/mkinitfs/mkinitfs/internal/cache"
)

func buildCommand(lookup func(string) (string, bool)) *cobra.Command {
	var f manifestFlags
	var d depfileFlags
	var out string
	var asJSON, ifChanged, noCache bool
	cmd := &cobra.Command{
		Use:   "build MANIFEST -o IMAGE",
		Short: "Build an image from a manifest",
		Long: "Build an image from a manifest (\"-\" is standard input), or from an existing root:\n" +
			"build --from ROOTFS -o IMAGE.\n\n" +
			"The image is written beside IMAGE and renamed; on any error IMAGE stays as it was.\n" +
			"IMAGE may be a device, a FIFO, or \"-\" for standard output.",
		Args: f.from.args,
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return usageError{errors.New("build needs -o IMAGE (\"-\" for standard output)")}
			}
			depfile, err := d.depfile(out)
			if err != nil {
				return err
			}
			m, o, err := f.load(cmd.Context(), args, cmd.InOrStdin(), lookup)
			if err != nil {
				return err
			}
			o.Digest, o.Depfile, o.IfChanged = asJSON, depfile, ifChanged
			o.Cache, o.WantCache, o.Recompress = cache.Top(lookup), true, noCache
			bar := newProgressBar(cmd.ErrOrStderr(), lookup)
			if bar != nil {
				o.Progress = bar.show
			}
			o.Notice = func(text string) {
				bar.clear()
				fmt.Fprintln(cmd.ErrOrStderr(), "mkinitfs:", text)
			}
			stdout := cmd.OutOrStdout()
			var report *builder.Report
			if out == "-" {
				if isTerminal(stdout) {
					return usageError{errors.New("an image is not for a terminal: redirect the output, or give -o FILE")}
				}
				if asJSON {
					return usageError{errors.New("--json and -o - both want standard output")}
				}
				report, err = builder.Build(cmd.Context(), stdout, m, o)
			} else {
				report, err = builder.BuildFile(cmd.Context(), out, m, o)
			}
			bar.clear()
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(stdout, report)
			}
			printReport(cmd.ErrOrStderr(), out, report)
			return nil
		},
	}
	f.add(cmd)
	d.add(cmd)
	cmd.Flags().StringVarP(&out, "output", "o", "", "write the image to `IMAGE`")
	cmd.Flags().BoolVar(&ifChanged, "if-changed", false, "keep the old IMAGE and its time if it has the same bytes")
	cmd.Flags().BoolVar(&noCache, "no-cache", false, "compress everything, and cache nothing")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a report as JSON")
	return cmd
}

func printReport(w io.Writer, out string, r *builder.Report) {
	for _, text := range r.Warnings {
		fmt.Fprintln(w, "mkinitfs: warning:", text)
	}
	unchanged := ""
	if r.Unchanged {
		unchanged = ", unchanged"
	}
	wrapped := ""
	if r.Wrap != "" {
		wrapped = " in a " + r.Wrap
	}
	fmt.Fprintf(w, "%s: %s, %s root, %d entries, %s unpacked, %s packed%s%s\n",
		out, r.Arch, r.Root, r.Entries, sizeText(r.Unpacked), sizeText(r.Size), wrapped, unchanged)
	for i := 0; i < len(r.Segments); {
		sum := part{kind: r.Segments[i].Kind, codec: r.Segments[i].Codec, unit: "segment"}
		for ; i < len(r.Segments) && r.Segments[i].Kind == sum.kind; i++ {
			sum.add(r.Segments[i].Size, r.Segments[i].Unpacked, r.Segments[i].Cached)
		}
		sum.print(w)
	}
	if len(r.Members) > 0 {
		sum := part{kind: "root", codec: r.Payload, unit: "member"}
		for _, m := range r.Members {
			sum.add(m.Size, m.Unpacked, m.Cached)
		}
		sum.print(w)
	}
	if r.Stub != nil {
		by := ""
		if r.Stub.GoVersion != "" {
			by = " by " + r.Stub.GoVersion
		}
		fmt.Fprintf(w, "  stub     %s%s, %s, sha256 %s\n", sizeText(r.Stub.Size), by, r.Stub.Origin, r.Stub.SHA256)
	}
	for _, c := range r.Commands {
		version := c.Version
		if version == "" {
			version = c.Command[0] + ", version unknown"
		}
		fmt.Fprintf(w, "  command  %s: %s\n", c.Key, version)
	}
	machine := ""
	if r.MinRAM.Debian > 0 {
		machine = fmt.Sprintf("; %d MiB in QEMU with Debian's 6.1", r.MinRAM.Debian>>20)
	}
	fmt.Fprintf(w, "  min_ram  %s and what the kernel takes%s\n", sizeText(r.MinRAM.Bytes), machine)
}

// part is the size of a part of an image, in several units.
type part struct {
	kind, codec, unit string
	packed, unpacked  int64
	n, cached         int
}

func (p *part) add(packed, unpacked int64, cached bool) {
	p.packed += packed
	p.unpacked += unpacked
	p.n++
	if cached {
		p.cached++
	}
}

func (p *part) print(w io.Writer) {
	unit, cached := p.unit, ""
	if p.n != 1 {
		unit += "s"
	}
	if p.cached > 0 {
		cached = fmt.Sprintf(", %d cached", p.cached)
	}
	fmt.Fprintf(w, "  %-8s %10s of %-10s %-4s in %d %s%s\n", p.kind, sizeText(p.packed), sizeText(p.unpacked), p.codec, p.n, unit, cached)
}

// sizeText returns a number of bytes with a unit.
func sizeText(n int64) string {
	switch {
	case n < 1<<10:
		return fmt.Sprintf("%d B", n)
	case n < 1<<20:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
}
