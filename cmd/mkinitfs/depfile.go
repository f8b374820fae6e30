package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/builder"
)

// depfileFlags are GCC's flags for a dependency file.
type depfileFlags struct {
	write   bool
	file    string
	targets []string
	phony   bool
}

func (f *depfileFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.write, "MD", false, "")
	flags.StringVar(&f.file, "MF", "", "")
	flags.StringArrayVar(&f.targets, "MT", nil, "")
	flags.BoolVar(&f.phony, "MP", false, "")
	for _, name := range gccFlags {
		flags.Lookup(name).Hidden = true // cobra would list them with two dashes
	}
	cmd.SetUsageTemplate(cmd.UsageTemplate() + depfileUsage)
}

// gccFlags are the flags with one dash and two letters.
var gccFlags = [...]string{"MD", "MF", "MP", "MT"}

const depfileUsage = `
Flags for make and ninja, as in GCC:
  -MD          write the inputs of the image to IMAGE.d
  -MF FILE     write them to FILE instead
  -MP          add a target for each input, so that make goes on when one is gone
  -MT TARGET   name TARGET instead of IMAGE as the target
`

// depfile returns the dependency file that the flags ask for, for the image out.
func (f *depfileFlags) depfile(out string) (builder.Depfile, error) {
	d := builder.Depfile{Path: f.file, Target: strings.Join(f.targets, " "), Phony: f.phony}
	switch {
	case !f.write && (f.file != "" || d.Target != "" || f.phony):
		return d, usageError{errors.New("-MF, -MT and -MP need -MD")}
	case f.write && out == "-" && (f.file == "" || d.Target == ""):
		return d, usageError{errors.New("-MD with -o - needs -MF FILE and -MT TARGET")}
	case f.write && d.Path == "":
		d.Path = out + ".d"
	}
	return d, nil
}

// spellGCC returns args with GCC's flags in the form of all other flags: -MFx becomes --MF=x.
func spellGCC(args []string) []string {
	spelled := slices.Clone(args)
	for i, arg := range args {
		if arg == "--" {
			break
		}
		if len(arg) < 3 || arg[0] != '-' || !slices.Contains(gccFlags[:], arg[1:3]) {
			continue
		}
		spelled[i] = "-" + arg[:3]
		if value := arg[3:]; value != "" {
			spelled[i] += "=" + value
		}
	}
	return spelled
}
