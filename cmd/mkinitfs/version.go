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
			// The same text as cobra prints for --version.
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s version %s\n", cmd.Root().Name(), cmd.Root().Version)
			return err
		},
	}
}

// versionText returns the versions of the module and of Go. The module's is "(devel)" if the
// Go tool does not know it.
func versionText() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown" // not built by the Go tool
	}
	return info.Main.Version + ", " + info.GoVersion
}
