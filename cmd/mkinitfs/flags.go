package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// wantedValues describes the values of some flag types. pflag parses them with strconv and
// time, and the errors of these packages are for programmers.
var wantedValues = map[string]string{
	"bool":     "true or false",
	"duration": "a duration, as in 90s or 5m",
	"int":      "a whole number",
	"int64":    "a whole number",
}

// invalidFlag returns err as a message for users. It describes the right value if the value
// is wrong, and suggests a flag if the name is unknown.
func invalidFlag(cmd *cobra.Command, err error) error {
	var absent *pflag.NotExistError
	if errors.As(err, &absent) && absent.GetSpecifiedShortnames() == "" {
		var known []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		return fmt.Errorf("%w%s", err, meant("--", absent.GetSpecifiedName(), known))
	}
	invalid, ok := errors.AsType[*pflag.InvalidValueError](err)
	if !ok {
		return err
	}
	flag := invalid.GetFlag()
	if want := wantedValues[flag.Value.Type()]; want != "" {
		return fmt.Errorf("--%s %q: want %s", flag.Name, invalid.GetValue(), want)
	}
	return err
}
