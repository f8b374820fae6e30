//go:build linux

package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
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

// peer is the one that ours is held against, nil if there is none.
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

// ratio is ours to the peer's.
func (r *row) ratio() float64 { return r.ours.median() / r.peer().median() }

// show words the median, and how far the runs lie apart.
func (r *row) show(s series) string {
	text := r.number(s.median())
	if len(s.values) > 1 {
		text += fmt.Sprintf(" (%s-%s)", r.number(s.min()), r.number(s.max()))
	}
	return text
}

// number has three digits, or more before the point.
func (r *row) number(value float64) string {
	value *= r.unit.scale
	decimals := 0
	for limit := 100.0; value < limit && decimals < 3; limit /= 10 {
		decimals++
	}
	return fmt.Sprintf("%.*f", decimals, value)
}

// goals words what is wanted and whether it is there.
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

// print writes a line for each figure, the peers from the best to the worst.
func (t *table) print(w io.Writer) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "FIGURE\t\tOURS\tPEER\t\tRATIO\tGOAL\t\tOTHERS")
	goals, met := 0, 0
	for _, r := range t.rows {
		peer, value, ratio, others := "", "", "", []string(nil)
		if p := r.peer(); p != nil {
			peer, value, ratio = p.name, r.show(*p), fmt.Sprintf("%.2f", r.ratio())
			byMedian := func(a, b series) int { return cmp.Compare(a.median(), b.median()) }
			for _, o := range slices.SortedFunc(slices.Values(r.peers), byMedian) {
				if o.name != peer {
					others = append(others, o.name+" "+r.number(o.median()))
				}
			}
		}
		goal, ok := r.goals()
		verdict := ""
		if goal != "" {
			goals++
			verdict = "missed"
			if ok {
				verdict = "met"
				met++
			}
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n",
			r.figure, r.unit.name, r.show(r.ours), peer, value, ratio, goal, verdict, strings.Join(others, ", "))
	}
	tw.Flush()
	fmt.Fprintf(w, "%d of %d goals met. Medians (least-most); a ratio is ours to the peer's.\n", met, goals)
}
