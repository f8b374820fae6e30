package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/container"
	"github.com/mkinitfs/mkinitfs/internal/words"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// Exit statuses. For a command that compares, 1 is the answer that there are differences, and
// every error is exitTrouble, as for diff(1).
const (
	exitFailed  = 1
	exitUsage   = 2
	exitDiffers = 1
	exitTrouble = 2
)

// usageError is an error of the command line: exit status 2.
type usageError struct{ error }

// trouble is an error of a command that compares: exit status 2.
type trouble struct{ error }

func (t trouble) Unwrap() error { return t.error }

// compares makes every error of a command one of trouble, except its exit status.
func compares(cmd *cobra.Command) *cobra.Command {
	run := cmd.RunE
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		err := run(cmd, args)
		if status := exitStatus(0); err == nil || errors.As(err, &status) {
			return err
		}
		return trouble{err}
	}
	return cmd
}

// exitStatus is the exit status of a program that printed its own error.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

// run runs a command and returns the exit status of the program.
func run(args []string, e environment) int {
	ctx := e.untilInterrupted()
	root := rootCommand(e)
	root.SetArgs(spellGCC(args))
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if status, ok := errors.AsType[exitStatus](err); ok {
		return int(status)
	}
	if i, ok := errors.AsType[interruption](context.Cause(ctx)); ok {
		return i.die()
	}
	// An error with a place in a manifest begins with that place, so that an editor can jump
	// there.
	text := err.Error()
	if !placed(err) {
		text = "mkinitfs: " + text
	}
	fmt.Fprintln(e.stderr, text)
	var usage usageError
	if errors.As(err, &usage) {
		return exitUsage
	}
	if errors.As(err, new(trouble)) {
		return exitTrouble
	}
	if program, ok := errors.AsType[*container.ProgramError](err); ok {
		return program.ExitStatus()
	}
	return exitFailed
}

func placed(err error) bool {
	var manifest manifests.Errors
	var plan plan.Errors
	return errors.As(err, &manifest) || errors.As(err, &plan)
}

func rootCommand(e environment) *cobra.Command {
	root := &cobra.Command{
		Use:           "mkinitfs",
		Short:         "Build initramfs images whose root is a file system of its own",
		Version:       versionText(),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          wantCommand,
		RunE:          func(cmd *cobra.Command, args []string) error { return cmd.Help() },
	}
	root.SetIn(e.stdin)
	root.SetOut(e.stdout)
	root.SetErr(e.stderr)
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Explain a command",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, unknown, err := root.Find(args)
			if err == nil {
				err = wantCommand(root, unknown)
			}
			if err != nil {
				return err
			}
			return about.Help()
		},
	})
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w\n  run \"%s --help\" for the flags", invalidFlag(cmd, err), cmd.CommandPath())}
	})
	build := buildCommand(e.lookup)
	build.PreRun = func(*cobra.Command, []string) { e.collectLate() }
	show := showCommand(e.lookup)
	show.PreRun = func(*cobra.Command, []string) { e.endAtOnce() }
	diff, verify, lint := compares(diffCommand(e.lookup)), compares(verifyCommand(e.lookup)), compares(lintCommand(e.lookup))
	for _, cmd := range []*cobra.Command{diff, verify, lint} {
		cmd.PreRun = func(*cobra.Command, []string) { e.collectLate() }
	}
	root.AddCommand(build, checkCommand(e.lookup), show, diff, verify, lint, wrapCommand(e.lookup, e.collectLate), versionCommand(), insideCommand())

	reads := func(cmd *cobra.Command, prepare ...func()) {
		cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
			for _, set := range prepare {
				set()
			}
			return wantImage(cmd, args)
		}
		root.AddCommand(cmd)
	}
	reads(bootCommand(), e.collectSeldom)
	reads(runCommand(), e.collectSeldom)
	reads(extractCommand(), e.collectLate)
	for _, cmd := range []*cobra.Command{listCommand(), catCommand(), sizeCommand(), inspectCommand()} {
		reads(cmd, e.collectLate, e.endAtOnce)
	}
	return root
}

// wantCommand returns an error if there are arguments where a command is wanted.
func wantCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var known []string
	for _, c := range cmd.Root().Commands() {
		if !c.Hidden {
			known = append(known, c.Name())
		}
	}
	return usageError{fmt.Errorf("unknown command %q%s\n  run \"mkinitfs --help\" for the list", args[0], meant("", args[0], known))}
}

// meant returns a question in brackets that suggests the nearest known word, or "" if none is
// near.
func meant(prefix, word string, known []string) string {
	if near := manifests.Nearest(word, known); near != "" {
		return fmt.Sprintf(" (did you mean %q?)", prefix+near)
	}
	return ""
}

// exactly checks that there are n arguments. what describes them in the error.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return misused(cmd, "%s takes %s, got %s", cmd.Name(), what, words.Count(len(args), "argument", "arguments"))
		}
		return nil
	}
}

// misused returns a usage error with the usage of the command as its hint.
func misused(cmd *cobra.Command, format string, args ...any) error {
	return usageError{fmt.Errorf("%s\n  usage: %s", fmt.Sprintf(format, args...), strings.TrimSuffix(cmd.UseLine(), " [flags]"))}
}

func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
