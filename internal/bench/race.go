//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// contender is a program in a race.
type contender struct {
	name   string
	args   []string
	dir    string       // "" is the current directory
	env    []string     // beside ours
	stdin  string       // file
	stdout string       // file; "" is /dev/null
	before func() error // is not timed; may be nil
	warm   bool         // it has run already
}

// sample is what one run took.
type sample struct {
	wall, cpu float64 // seconds
	peak      float64 // bytes
}

// result is what a contender took, run by run.
type result struct {
	name    string
	samples []sample
}

func (r result) wall() series { return r.series(func(s sample) float64 { return s.wall }) }
func (r result) cpu() series  { return r.series(func(s sample) float64 { return s.cpu }) }
func (r result) peak() series { return r.series(func(s sample) float64 { return s.peak }) }

func (r result) series(value func(sample) float64) series {
	s := series{name: r.name}
	for _, one := range r.samples {
		s.values = append(s.values, value(one))
	}
	return s
}

// A race ends with the round in which it has taken this long.
const patience = time.Minute

// race runs every contender once to warm the caches and to see that it works. Then it runs
// them in rounds, and each round begins with another contender. Ours is the first. Any other
// that fails is left out.
func (b *bench) race(contenders ...contender) ([]result, error) {
	var results []result
	var able []contender
	for i, c := range contenders {
		if !c.warm {
			if _, err := b.time(c); err != nil {
				if i == 0 || b.ctx.Err() != nil {
					return nil, err
				}
				b.miss("%v", err)
				continue
			}
		}
		able = append(able, c)
		results = append(results, result{name: c.name})
	}
	begin := time.Now()
	for round := range b.runs {
		if round > 0 && time.Since(begin) > patience {
			break
		}
		for i := range able {
			i = (i + round) % len(able)
			s, err := b.time(able[i])
			if err != nil {
				return nil, err
			}
			results[i].samples = append(results[i].samples, s)
		}
	}
	return results, nil
}

// time runs a contender once.
func (b *bench) time(c contender) (sample, error) {
	s, err := b.timeOnce(c)
	if err != nil {
		err = fmt.Errorf("%s: %w", c.name, err)
	}
	return s, err
}

func (b *bench) timeOnce(c contender) (s sample, err error) {
	if c.before != nil {
		if err := c.before(); err != nil {
			return s, err
		}
	}
	cmd := exec.CommandContext(b.ctx, b.timed, c.args...)
	cmd.Dir, cmd.Env = c.dir, append(os.Environ(), c.env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if c.stdin != "" {
		f, err := os.Open(c.stdin)
		if err != nil {
			return s, err
		}
		defer f.Close()
		cmd.Stdin = f
	}
	if c.stdout != "" {
		f, err := os.Create(c.stdout)
		if err != nil {
			return s, err
		}
		defer f.Close()
		cmd.Stdout = f
	}
	r, w, err := os.Pipe()
	if err != nil {
		return s, err
	}
	defer r.Close()
	cmd.ExtraFiles = []*os.File{w}
	err = cmd.Run()
	w.Close()
	if err != nil {
		words, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
		return s, errors.Join(fmt.Errorf("%s: %w: %s", strings.Join(c.args, " "), err, words), b.ctx.Err())
	}
	var wall, cpu, peak int64
	if _, err := fmt.Fscan(r, &wall, &cpu, &peak); err != nil {
		return s, err
	}
	return sample{float64(wall) / 1e9, float64(cpu) / 1e9, float64(peak) * 1024}, nil
}

// series are the values of one figure for one contender.
type series struct {
	name   string
	values []float64
}

func one(name string, value float64) series { return series{name, []float64{value}} }

// median returns the median of the values, or the mean of the two in the middle.
func (s series) median() float64 {
	v := slices.Sorted(slices.Values(s.values))
	n := len(v)
	return (v[(n-1)/2] + v[n/2]) / 2
}

func (s series) min() float64 { return slices.Min(s.values) }
func (s series) max() float64 { return slices.Max(s.values) }
