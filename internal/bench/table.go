//go:build linux

package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// unit says how values of a figure are shown.
type unit struct {
	name  string
	scale float64
}

var (
	seconds = unit{"s", 1}
	millis  = unit{"ms", 1e3}
	mebi    = unit{"MiB", 1.0 / (1 << 20)}
	mega    = unit{"MB", 1e-6}
	giga    = unit{"10^9", 1} // of what a clock counts as nanoseconds
)

// row is a figure: ours beside those of the peers.
type row struct {
	figure  string
	unit    unit
	ours    series
	peers   []series
	against string  // the name of the peer that counts; "" is the best
	goal    float64 // the largest ratio of ours to that peer's that we want; 0 is none
	limit   float64 // the largest value of ours that we want, in base units; 0 is none
}

type table struct{ rows []row }

func (t *table) add(r row) { t.rows = append(t.rows, r) }

// peer returns the contender that ours is compared with, nil if there is none.
func (r *row) peer() *series {
	var best *series
	for i := range r.peers {
		p := &r.peers[i]
		if r.against == p.name || r.against == "" && (best == nil || p.median() < best.median()) {
			best = p
		}
	}
	return best
}

// ratio returns our value divided by that of the peer.
func (r *row) ratio() float64 { return r.ours.median() / r.peer().median() }

// show returns the median and the spread of the runs.
func (r *row) show(s series) string {
	text := r.number(s.median())
	if len(s.values) > 1 {
		text += fmt.Sprintf(" (%s-%s)", r.number(s.min()), r.number(s.max()))
	}
	return text
}

// number returns three digits, or more before the point.
func (r *row) number(value float64) string {
	value *= r.unit.scale
	decimals := 0
	for limit := 100.0; value < limit && decimals < 3; limit /= 10 {
		decimals++
	}
	return fmt.Sprintf("%.*f", decimals, value)
}

// goals returns the goals, and whether they are met.
func (r *row) goals() (string, bool) {
	var texts []string
	met := true
	if r.goal > 0 && r.peer() != nil {
		texts = append(texts, fmt.Sprintf("%.2fx", r.goal))
		met = met && r.ratio() <= r.goal
	}
	if r.limit > 0 {
		texts = append(texts, r.number(r.limit)+" "+r.unit.name)
		met = met && r.ours.median() <= r.limit
	}
	return strings.Join(texts, ", "), met
}

// header names the cells of a line.
var header = []string{"figure", "unit", "mkinitfs", "beside", "", "ratio", "goal", "", "others"}

// cells returns the line of a figure, with the peers from the best to the worst.
func (r *row) cells() []string {
	goal, met := r.goals()
	verdict := ""
	switch {
	case goal == "":
	case met:
		verdict = "met"
	default:
		verdict = "missed"
	}
	line := []string{r.figure, r.unit.name, r.show(r.ours), "", "", "", goal, verdict, ""}
	if p := r.peer(); p != nil {
		line[3], line[4], line[5] = p.name, r.show(*p), fmt.Sprintf("%.2f", r.ratio())
		line[8] = r.others(p.name)
	}
	return line
}

// print writes the table in Markdown, aligned for the eye.
func (t *table) print(w io.Writer) {
	lines := [][]string{header, slices.Repeat([]string{"---"}, len(header))}
	goals, met := 0, 0
	for _, r := range t.rows {
		lines = append(lines, r.cells())
		if goal, ok := r.goals(); goal != "" {
			goals++
			if ok {
				met++
			}
		}
	}
	widths := make([]int, len(header))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], len(cell))
		}
	}
	for _, line := range lines {
		for i, cell := range line {
			fmt.Fprintf(w, "| %-*s ", widths[i], cell)
		}
		fmt.Fprintln(w, "|")
	}
	fmt.Fprintf(w, "\n%d of %d goals met. Values are medians (least-most), ratios are ours to the one beside.\n", met, goals)
}

// others words the peers but one.
func (r *row) others(but string) string {
	var texts []string
	byMedian := func(a, b series) int { return cmp.Compare(a.median(), b.median()) }
	for _, o := range slices.SortedFunc(slices.Values(r.peers), byMedian) {
		if o.name != but {
			texts = append(texts, o.name+" "+r.number(o.median()))
		}
	}
	return strings.Join(texts, ", ")
}
