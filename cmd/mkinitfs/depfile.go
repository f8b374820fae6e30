package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/builder"
)

// depfileFlags are those of GCC that make one.
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
		flags.Lookup(name).Hidden = true // the list of flags would have two dashes
	}
	cmd.SetUsageTemplate(cmd.UsageTemplate() + depfileUsage)
}

// gccFlags are the flags of one dash and two letters.
var gccFlags = [...]string{"MD", "MF", "MP", "MT"}

const depfileUsage = `
Flags for make and ninja, as those of GCC:
  -MD          write what the image depends on to IMAGE.d
  -MF FILE     write it to FILE instead
  -MP          add a target for each input, so that make goes on when one has gone
  -MT TARGET   call what depends TARGET instead of IMAGE
`

// depfile is what the flags ask for beside the image out.
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

// spellGCC spells the flags that are GCC's with two dashes, as the flags of this
// program are: -MFx is --MF=x.
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
