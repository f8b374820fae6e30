package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func listCommand() *cobra.Command {
	return &cobra.Command{
		Use:  "list IMAGE",
		RunE: func(cmd *cobra.Command, args []string) error { return errors.New("later") },
	}
}
