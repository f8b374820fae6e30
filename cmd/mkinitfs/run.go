package main

import (
	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/internal/container"
)

func runCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "run IMAGE [-- COMMAND [ARG...]]",
		Short: "Start an image's program in namespaces, without a machine",
		Long: "Unpack an image (\"-\" is standard input) into a tmpfs of its own and start its\n" +
			"program there, or COMMAND, as the first process of new namespaces.\n\n" +
			"If you are root, the root has its owners and device nodes. Otherwise owners without a\n" +
			"subordinate id become root, and device nodes are the host's or missing. The network\n" +
			"is the host's. The exit status is the program's.",
		Args: func(cmd *cobra.Command, args []string) error {
			if n := cmd.ArgsLenAtDash(); len(args) == 0 || n >= 0 && n != 1 || n < 0 && len(args) > 1 {
				return misused(cmd, "run takes one image, and a command behind --")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			in, _, err := openBare(cmd.InOrStdin(), cmd.ErrOrStderr(), args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			status, err := container.Run(container.Options{
				Image: in, Name: imageName(args[0]), Command: args[1:],
				Stdin: cmd.InOrStdin(), Stdout: cmd.OutOrStdout(), Stderr: cmd.ErrOrStderr(),
			})
			if err == nil && status != 0 {
				err = exitStatus(status)
			}
			return err
		},
	}
}

// insideCommand is the name of the command by which "run" starts itself again.
func insideCommand() *cobra.Command {
	return &cobra.Command{
		Use:                container.InsideCommand,
		Hidden:             true,
		DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			return container.Inside(cmd.Context(), args, cmd.ErrOrStderr())
		},
	}
}
