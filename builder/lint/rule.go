package lint

import (
	"slices"

	"github.com/mkinitfs/mkinitfs/builder/image"
)

// Severity says how a finding affects a boot with this image alone.
type Severity string

// Severities, the worst first.
const (
	Error   Severity = "error"   // the kernel refuses the image, drops or cuts an entry, or panics
	Warning Severity = "warning" // the image boots, but not everywhere or not as asked
	Note    Severity = "note"    // good to know
)

// Worse reports whether s is worse than other.
func (s Severity) Worse(other Severity) bool { return s.rank() > other.rank() }

func (s Severity) rank() int {
	switch s {
	case Error:
		return 2
	case Warning:
		return 1
	}
	return 0
}

// Rule is a row of the table of rules.
type Rule struct {
	Code     string
	Severity Severity
	Sentence string // what the rule finds
	Cure     string // an instruction

	// Appended is the severity for an image that is appended to another one, "" for the same.
	Appended Severity

	check func(*subject) *Finding // nil if the rule is not about the root, or reads files while they are packed
}

// Finding is a rule that an image or a manifest breaks.
type Finding struct {
	Code     string
	Severity Severity
	Place    string         // in a manifest: "root.yaml:3:14"; "" for an image
	Words    string         // what is wrong
	Hint     string         // a cure for this finding, "" if the cure of the rule is enough
	Cure     string         // of the rule
	Read     *image.Finding // the reader's finding, or nil
}

// String returns the finding as a warning of a build.
func (f *Finding) String() string {
	text := f.Words
	if f.Place != "" {
		text = f.Place + ": " + text
	}
	if f.Hint != "" {
		text += "\n  " + f.Hint
	}
	return text
}

// Advice returns the hint or, without one, the cure of the rule.
func (f *Finding) Advice() string {
	if f.Hint != "" {
		return f.Hint
	}
	return f.Cure
}

// Rules returns the rules about the root, and those about the planning or reading of it.
func Rules() []Rule {
	return []Rule{
		{
			Code: cannotStart, Severity: Error, Appended: Note, check: programCannotStart,
			Sentence: "The program that the image starts is missing, is not executable, is for another machine, or lacks its interpreter or libraries.",
			Cure:     "add what is missing, or name another program in init.exec",
		},
		{
			Code: "modules-without-dep", Severity: Warning, check: modulesWithoutDep,
			Sentence: "A directory of kernel modules has no modules.dep, so modprobe finds no module there.",
			Cure:     "run depmod -b ROOT VERSION on the directory that becomes /",
		},
		{
			Code: "container-leftovers", Severity: Warning, check: containerLeftovers,
			Sentence: "Files are left over from a container: programs take the machine for a container, or a file that was a mount point is empty.",
			Cure:     "remove them from the root",
		},
		{
			Code: foreignMachine, Severity: Warning,
			Sentence: "Programs, libraries or kernel modules are for another machine than the image.",
			Cure:     "take them out, or take those for this machine",
		},
		{
			Code: machineUnknown, Severity: Note,
			Sentence: "The machine of the image's program is unknown, so programs for other machines are not looked for.",
			Cure:     "build the image with mkinitfs, or start it with an ELF program",
		},
		{
			Code: planning, Severity: Warning,
			Sentence: "Planning the image of a manifest gives a warning, as `check` and `build` print it.",
			Cure:     "change the manifest at the place that the warning names",
		},
		{
			Code: unreadable, Severity: Error,
			Sentence: "The kernel reads the image only up to a certain point. Rules about the root are not tried.",
			Cure:     "build the image again, or cut off what does not belong to it",
		},
		{
			Code: otherFinding, Severity: Warning,
			Sentence: "The reader finds something that has no row here.",
			Cure:     "report the words of the finding to the authors of mkinitfs",
		},
	}
}

// Codes that findings outside the rules' checks have or look for.
const (
	cannotStart    = "program-cannot-start"
	foreignMachine = "foreign-machine"
	machineUnknown = "machine-unknown"
	planning       = "planning"
	unreadable     = "image-unreadable"
	otherFinding   = "other"
)

// Codes returns the codes of all rules.
func Codes() (codes []string) {
	for _, rules := range [][]Rule{Rules(), ReaderRules()} {
		for _, r := range rules {
			codes = append(codes, r.Code)
		}
	}
	return codes
}

// Planning returns the finding for a warning about planning.
func Planning(warning string) Finding { return *find(planning).found("", warning, "") }

// find returns the row of a code that [Rules] has.
func find(code string) Rule {
	for _, r := range Rules() {
		if r.Code == code {
			return r
		}
	}
	panic("lint: no rule " + code)
}

// found returns a finding of the rule.
func (r Rule) found(place, words, hint string) *Finding {
	return &Finding{Code: r.Code, Severity: r.Severity, Place: place, Words: words, Hint: hint, Cure: r.Cure}
}

// Sieve collects findings, apart from those of rules that a manifest ignores.
type Sieve struct {
	Ignore            []string // codes
	Findings, Ignored []Finding
}

// Add adds findings.
func (s *Sieve) Add(findings ...Finding) {
	for _, f := range findings {
		if slices.Contains(s.Ignore, f.Code) {
			s.Ignored = append(s.Ignored, f)
		} else {
			s.Findings = append(s.Findings, f)
		}
	}
}

// Warnings returns the findings as warnings of a build.
func (s *Sieve) Warnings() (all []string) {
	for _, f := range s.Findings {
		all = append(all, f.String())
	}
	return all
}
