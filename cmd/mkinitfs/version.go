package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of mkinitfs, and of the Go that compiled it",
		Args:  exactly(0, "no arguments"),
		RunE: func(cmd *cobra.Command, args []string) error {
			// As cobra has it for --version.
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s version %s\n", cmd.Root().Name(), cmd.Root().Version)
			return err
		},
	}
}

// versionText is the module's, "(devel)" where the Go tool knows none, and that of Go.
func versionText() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown" // not built by the Go tool
	}
	return info.Main.Version + ", " + info.GoVersion
}
