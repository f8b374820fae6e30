package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/builder/lint"
	"github.com/mkinitfs/mkinitfs/internal/newfile"
	"github.com/mkinitfs/mkinitfs/internal/words"
)

func lintCommand(lookup func(string) (string, bool)) *cobra.Command {
	var f manifestFlags
	var failOn string
	var overlay, asJSON bool
	cmd := &cobra.Command{
		Use:   "lint IMAGE|MANIFEST",
		Short: "Look for mistakes in an image or a manifest",
		Long: "Look for mistakes in an image, or in the one that a manifest describes, without packing\n" +
			"it (\"-\" is standard input). Each finding has a severity, a code and a cure:\n\n" +
			"  error    the kernel refuses the image, drops or cuts an entry, or panics\n" +
			"  warning  the image boots, but not everywhere or not as asked\n" +
			"  note     good to know\n\n" +
			"The exit status is 0, or 1 if there is an error, or what --fail-on says; 2 if the image\n" +
			"or the manifest cannot be read.",
		Args: exactly(1, "one image or manifest"),
		RunE: func(cmd *cobra.Command, args []string) error {
			least := lint.Severity(failOn)
			if least != lint.Error && least != lint.Warning {
				return usageError{fmt.Errorf("--fail-on %q: want error or warning", failOn)}
			}
			r, err := lintAny(cmd, &f, args[0], overlay, lookup)
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), describeLint(r))
			} else {
				err = r.print(cmd.OutOrStdout())
			}
			fails := func(f lint.Finding) bool { return !least.Worse(f.Severity) }
			if err == nil && slices.ContainsFunc(r.Findings, fails) {
				err = exitStatus(exitDiffers)
			}
			return err
		},
	}
	f.addSources(cmd)
	cmd.Flags().StringVar(&failOn, "fail-on", string(lint.Error), "exit with status 1 for findings of `SEVERITY` (error, warning) or worse")
	_ = cmd.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions([]string{string(lint.Error), string(lint.Warning)}, cobra.ShellCompDirectiveNoFileComp))
	cmd.Flags().BoolVar(&overlay, "overlay", false, "the image is appended to another one, which may have what it lacks")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the findings as JSON")
	return cmd
}

// linted is the result of lint.
type linted struct {
	name, kind string
	lint.Sieve
}

// lintAny checks an image or a manifest.
func lintAny(cmd *cobra.Command, f *manifestFlags, arg string, overlay bool, lookup func(string) (string, bool)) (*linted, error) {
	in, err := openRegular(cmd.InOrStdin(), arg)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	r := &linted{name: imageName(arg), kind: "image"}
	if _, ramdisk := image.SplitChoice(arg); ramdisk == "" && isManifest(arg, in) {
		if overlay {
			return nil, usageError{errors.New("--overlay is for images: a manifest says init: none")}
		}
		r.kind = "manifest"
		planned, err := planManifest(cmd, f, arg, in, lookup)
		if err != nil {
			return nil, err
		}
		defer planned.Close()
		r.Sieve = planned.Lint()
		return r, nil
	}
	spool, err := newfile.Temp("")
	if err != nil {
		return nil, err
	}
	defer spool.Close()
	if r.Findings, err = lint.Image(cmd.Context(), in, spool, overlay); err != nil {
		return nil, fmt.Errorf("%s: %w", r.name, err)
	}
	return r, nil
}

// print prints the findings, each with its cure, and their numbers.
func (r *linted) print(w io.Writer) error {
	out := bufio.NewWriter(w)
	for _, f := range r.Findings {
		place := f.Place
		if place == "" {
			place = r.name
		}
		text, rest, _ := strings.Cut(f.Words, "\n")
		fmt.Fprintf(out, "%s: %s: %s [%s]\n", place, f.Severity, text, f.Code)
		if rest != "" {
			fmt.Fprintln(out, rest)
		}
		if cure := f.Advice(); cure != "" && rest == "" {
			fmt.Fprintf(out, "  %s\n", cure)
		}
	}
	fmt.Fprintf(out, "%s: %s\n", r.name, r.summary())
	return out.Flush()
}

func (r *linted) summary() string {
	n := r.counts()
	text := fmt.Sprintf("%s, %s, %s", words.Count(n.Errors, "error", "errors"), words.Count(n.Warnings, "warning", "warnings"), words.Count(n.Notes, "note", "notes"))
	if len(r.Ignored) > 0 {
		text += fmt.Sprintf("; %d more ignored by the manifest", len(r.Ignored))
	}
	return text
}

// lintCounts are the numbers of findings by their severity.
type lintCounts struct {
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	Notes    int `json:"notes"`
}

func (r *linted) counts() (n lintCounts) {
	for _, f := range r.Findings {
		switch f.Severity {
		case lint.Error:
			n.Errors++
		case lint.Warning:
			n.Warnings++
		case lint.Note:
			n.Notes++
		}
	}
	return n
}

// lintJSON is the stable form of what lint prints.
type lintJSON struct {
	Name     string            `json:"name"`
	Kind     string            `json:"kind"` // "image", "manifest"
	Findings []lintFindingJSON `json:"findings"`
	Ignored  []lintFindingJSON `json:"ignored"` // by the manifest
	Counts   lintCounts        `json:"counts"`  // of findings
}

type lintFindingJSON struct {
	Code     string        `json:"code"`
	Severity lint.Severity `json:"severity"`
	Place    string        `json:"place,omitempty"` // in a manifest
	Words    string        `json:"words"`
	Cure     string        `json:"cure"`
	Read     *findingJSON  `json:"read,omitempty"` // as inspect --json has it
}

func describeLint(r *linted) lintJSON {
	return lintJSON{r.name, r.kind, describeFindings(r.Findings), describeFindings(r.Ignored), r.counts()}
}

func describeFindings(findings []lint.Finding) []lintFindingJSON {
	all := []lintFindingJSON{}
	for _, f := range findings {
		d := lintFindingJSON{f.Code, f.Severity, f.Place, f.Words, f.Advice(), nil}
		if f.Read != nil {
			read := findingJSON(*f.Read)
			d.Read = &read
		}
		all = append(all, d)
	}
	return all
}
