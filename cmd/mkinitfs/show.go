package main

import (
	"bytes"
	"cmp"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/builder"
	"github.com/mkinitfs/mkinitfs/manifests"
)

func showCommand(lookup func(string) (string, bool)) *cobra.Command {
	var f manifestFlags
	cmd := &cobra.Command{
		Use:   "show MANIFEST",
		Short: "Print a manifest with its variables replaced",
		Long: "Print a manifest (\"-\" is standard input) with its variables replaced and the files that it\n" +
			"includes merged, or the manifest that build --from makes. Relative sources stay relative\n" +
			"to the manifest's directory.",
		Args: f.from.args,
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := f.text(args, cmd.InOrStdin(), lookup)
			if err != nil {
				return err
			}
			_, err = cmd.OutOrStdout().Write(text)
			return err
		},
	}
	f.addVars(cmd)
	f.from.add(cmd)
	return cmd
}

// text returns the manifest as text, with its variables replaced.
func (f *manifestFlags) text(args []string, stdin io.Reader, lookup func(string) (string, bool)) ([]byte, error) {
	opt, err := f.options(lookup)
	if err != nil {
		return nil, err
	}
	if f.from.from != "" {
		text, spooled, err := f.from.manifest(stdin, builder.Limits{})
		if spooled != nil {
			spooled.Close()
		}
		if err != nil || opt.Arch == "" {
			return []byte(text), err
		}
		opt.File = manifests.FromFile
		return manifests.Resolve([]byte(text), opt)
	}
	file := args[0]
	var data []byte
	if file == "-" {
		file = "<stdin>"
		data, err = io.ReadAll(stdin)
	} else {
		data, err = os.ReadFile(file)
	}
	if err != nil {
		return nil, cmp.Or(notManifest(args[0], bytes.NewReader(data)), err)
	}
	opt.File = file
	text, err := manifests.Resolve(data, opt)
	if err != nil {
		err = cmp.Or(notManifest(args[0], bytes.NewReader(data)), err)
	}
	return text, err
}
