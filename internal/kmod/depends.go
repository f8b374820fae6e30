package kmod

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
)

// dependencies are the direct dependencies of modules, by their place in the directory.
type dependencies struct {
	*Directory
	direct [][]int
	rank   []int // a module comes before those that it needs
}

// owners returns the place of the module that exports each symbol.
func (d *Directory) owners() map[string]int {
	owners := map[string]int{}
	for i, m := range d.Modules {
		for _, name := range m.Exports {
			owners[name] = i
		}
	}
	return owners
}

// dependencies finds the direct dependencies of each module: the modules with its symbols, in
// their order, and others that it names.
func (d *Directory) dependencies() (*dependencies, error) {
	all := &dependencies{Directory: d, direct: make([][]int, len(d.Modules))}
	owners, places := d.owners(), map[string]int{}
	for i, m := range d.Modules {
		places[m.Name] = i
	}
	for i, m := range d.Modules {
		add := func(other int, known bool) {
			if known && other != i && !slices.Contains(all.direct[i], other) {
				all.direct[i] = append(all.direct[i], other)
			}
		}
		for _, name := range m.Needs {
			other, known := owners[name]
			add(other, known)
		}
		for _, name := range m.Depends {
			other, known := places[name]
			add(other, known)
		}
	}
	return all, all.sort()
}

// sort ranks the modules. Any order in which a module comes before its dependencies would do;
// this one is depmod's.
func (d *dependencies) sort() error {
	users := make([]int, len(d.direct))
	for _, deps := range d.direct {
		for _, dep := range deps {
			users[dep]++
		}
	}
	var free []int
	for i, n := range users {
		if n == 0 {
			free = append(free, i)
		}
	}
	d.rank = make([]int, len(d.direct))
	for i := range d.rank {
		d.rank[i] = math.MaxInt
	}
	for rank := 0; len(free) > 0; rank++ {
		i := free[len(free)-1]
		free = free[:len(free)-1]
		d.rank[i] = rank
		for _, dep := range d.direct[i] {
			if users[dep]--; users[dep] == 0 {
				free = append(free, dep)
			}
		}
	}
	var circle []string
	for i, rank := range d.rank {
		if rank == math.MaxInt {
			circle = append(circle, d.Modules[i].Path)
		}
	}
	if circle != nil {
		return fmt.Errorf("modules need each other in a circle: %s", strings.Join(circle, ", "))
	}
	return nil
}

// all returns the dependencies of the module at place i, direct and indirect. The last one has
// to be loaded first.
func (d *dependencies) all(i int) []int {
	seen := map[int]bool{i: true}
	var found []int
	for todo := []int{i}; len(todo) > 0; {
		next := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		for _, dep := range d.direct[next] {
			if !seen[dep] {
				seen[dep] = true
				found = append(found, dep)
				todo = append(todo, dep)
			}
		}
	}
	slices.SortFunc(found, func(a, b int) int { return cmp.Compare(d.rank[a], d.rank[b]) })
	return found
}

// text returns the lines of modules.dep.
func (d *dependencies) text() []string {
	var lines []string
	for i, m := range d.Modules {
		line := m.Path + ":"
		for _, dep := range d.all(i) {
			line += " " + d.Modules[dep].Path
		}
		lines = append(lines, line+"\n")
	}
	return lines
}

func (d *dependencies) records() []record {
	var records []record
	for i, line := range d.text() {
		records = append(records, record{d.Modules[i].Name, strings.TrimSuffix(line, "\n"), uint32(i)})
	}
	return records
}
