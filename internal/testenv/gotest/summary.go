package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// summary prints packages as they end, and keeps how their tests went.
type summary struct {
	to      io.Writer
	running map[string]*pkg // by import path
	results []result        // of the packages that have ended
}

// pkg is a package whose tests are running.
type pkg struct {
	lines []line
	tests map[string]*result
}

type line struct{ test, text string }

type result struct {
	name    string // import path's last element and test
	test    string
	outcome string // "pass", "fail", "skip", or "" of a test that did not end
	seconds float64
	reason  string // for a skip
	parent  bool   // has tests of its own
}

func newSummary(to io.Writer) *summary {
	return &summary{to: to, running: map[string]*pkg{}}
}

func (s *summary) add(e event) {
	if e.Action == "build-output" {
		io.WriteString(s.to, e.Output)
		return
	}
	if e.Package == "" {
		return
	}
	p := s.running[e.Package]
	if p == nil {
		p = &pkg{tests: map[string]*result{}}
		s.running[e.Package] = p
	}
	if e.Test != "" {
		p.test(e)
	}
	switch e.Action {
	case "output":
		p.lines = append(p.lines, line{e.Test, e.Output})
	case "pass", "fail", "skip":
		if e.Test == "" {
			p.print(s.to, e.Action == "fail")
			for _, r := range p.tests {
				s.results = append(s.results, *r)
			}
			delete(s.running, e.Package)
		}
	}
}

// skipReason is what t.Skip prints. It stands behind what a test printed without a newline.
var skipReason = regexp.MustCompile(`\s\w+\.go:\d+: (.*)\n$`)

// test notes an event of a test.
func (p *pkg) test(e event) {
	r := p.tests[e.Test]
	if r == nil {
		r = &result{name: path.Base(e.Package) + " " + e.Test, test: e.Test}
		p.tests[e.Test] = r
		for above := path.Dir(e.Test); above != "."; above = path.Dir(above) {
			if parent := p.tests[above]; parent != nil {
				parent.parent = true
			}
		}
	}
	switch e.Action {
	case "output":
		if m := skipReason.FindStringSubmatch(e.Output); m != nil {
			r.reason = m[1]
		}
	case "pass", "fail", "skip":
		r.outcome, r.seconds = e.Action, e.Elapsed
	}
}

// print prints what "go test" does without -v: the closing line, and of what has failed
// the output of the tests that did not pass.
func (p *pkg) print(to io.Writer, failed bool) {
	for _, l := range p.lines {
		var show bool
		switch {
		case !failed:
			show = l.test == "" && (strings.HasPrefix(l.text, "ok  ") || strings.HasPrefix(l.text, "?   "))
		case strings.HasPrefix(l.text, "=== "):
		case l.test == "":
			show = true
		default:
			outcome := p.tests[l.test].outcome
			show = outcome == "fail" || outcome == ""
		}
		if show {
			io.WriteString(to, l.text)
		}
	}
}

// print closes the run. Of tests with subtests those count.
func (s *summary) print() {
	for name, p := range maps.All(s.running) { // go test ended before they did
		fmt.Fprintf(s.to, "%s did not end:\n", name)
		p.print(s.to, true)
	}
	tests := slices.DeleteFunc(s.results, func(r result) bool { return r.parent && r.outcome != "fail" })
	slices.SortFunc(tests, func(a, b result) int {
		return cmp.Or(cmp.Compare(b.seconds, a.seconds), cmp.Compare(a.name, b.name))
	})
	counts, reasons := map[string]int{}, map[string]int{}
	for _, r := range tests {
		counts[r.outcome]++
		if r.outcome == "skip" {
			reasons[r.reason]++
		}
	}
	fmt.Fprintln(s.to, "\nslowest tests:")
	for _, r := range tests[:min(10, len(tests))] {
		fmt.Fprintf(s.to, "%7.1f s  %s\n", r.seconds, r.name)
	}
	if len(reasons) > 0 {
		fmt.Fprintln(s.to, "\nskipped tests:")
	}
	for _, reason := range slices.Sorted(maps.Keys(reasons)) {
		fmt.Fprintf(s.to, "%7d    %s\n", reasons[reason], cmp.Or(reason, "without a reason"))
	}
	fmt.Fprintf(s.to, "\n%d passed, %d failed, %d skipped\n", counts["pass"], counts["fail"]+counts[""], counts["skip"])
}
