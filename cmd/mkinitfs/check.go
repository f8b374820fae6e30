package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/builder"
)

func checkCommand(lookup func(string) (string, bool)) *cobra.Command {
	var f manifestFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check MANIFEST",
		Short: "Plan an image and report on it, without writing anything",
		Long: "Plan an image (\"-\" is standard input) and report on it, without writing anything.\n\n" +
			"It reads the sources, and runs the programs of the manifest that compress on a few\n" +
			"bytes, as build does.",
		Args: f.from.args,
		RunE: func(cmd *cobra.Command, args []string) error {
			m, o, err := f.load(cmd.Context(), args, cmd.InOrStdin(), lookup)
			if err != nil {
				return err
			}
			report, err := builder.Check(cmd.Context(), m, o)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), report)
			}
			for _, text := range report.Warnings {
				fmt.Fprintln(cmd.ErrOrStderr(), "mkinitfs: warning:", text)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s, %s root, %d entries, %s unpacked\n",
				f.from.name(args), report.Arch, report.Root, report.Entries, sizeText(report.Unpacked))
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	return cmd
}
