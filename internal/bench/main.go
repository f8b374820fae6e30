//go:build linux

// Bench measures mkinitfs beside the tools that people would use instead, and prints one
// table:
//
//	go run ./internal/bench [-only build,list] [-runs N] [-doc FILE]
//
// With -doc it also writes the table of each group into a document. "make bench" fetches the
// inputs first, and writes docs/speed.md. The report names missing inputs and goes on without
// them.
//
// A figure is a race (race.go): programs that do the same work take turns, so that other load
// hits all of them alike. The median counts. The inputs are a minimal Debian root, as tarball
// and as tree on a tmpfs and on the disk, and the modules of Debian's kernel (work.go). The
// other files hold a group of figures each.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
)

// groups are the figures, in the order of the table.
var groups = []struct {
	name    string
	measure func(*bench) error
}{
	{"build", (*bench).build},
	{"compress", (*bench).compress},
	{"incremental", (*bench).incremental},
	{"list", (*bench).list},
	{"extract", (*bench).extract},
	{"unpack", (*bench).unpack},
	{"boot", (*bench).boot},
	{"stub", (*bench).stub},
}

// bench is one run of all that was asked for.
type bench struct {
	ctx      context.Context
	runs     int
	tmpfs    string // temporary directories
	disk     string
	mkinitfs string // our programs, compiled
	timed    string
	uroot    string
	root     roots
	images   []readable // once they are wanted
	table    table
	missing  []string
}

func main() {
	var names []string
	for _, g := range groups {
		names = append(names, g.name)
	}
	only := flag.String("only", "", "measure these `groups` only, of "+strings.Join(names, ","))
	runs := flag.Int("runs", 5, "measure each program `N` times, what is slow less often")
	doc := flag.String("doc", "", "write the figures into `FILE`, too, between the markers of each group")
	flag.Parse()
	wanted := names
	if *only != "" {
		wanted = strings.Split(*only, ",")
	}
	for _, name := range wanted {
		if !slices.Contains(names, name) {
			fmt.Fprintf(os.Stderr, "bench: no group is called %q: there are %s\n", name, strings.Join(names, ","))
			os.Exit(2)
		}
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, wanted, max(*runs, 1), *doc); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, wanted []string, runs int, doc string) (err error) {
	b := &bench{ctx: ctx, runs: runs}
	here := machine()
	if b.tmpfs, err = os.MkdirTemp("/dev/shm", "mkinitfs-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.tmpfs)
	cache, err := os.UserCacheDir() // a large directory is not out of place there, and /tmp may be a tmpfs
	if err == nil {
		err = os.MkdirAll(filepath.Join(cache, "mkinitfs"), 0o755)
	}
	if err == nil {
		b.disk, err = os.MkdirTemp(filepath.Join(cache, "mkinitfs"), "bench-")
	}
	if err != nil {
		return err
	}
	defer os.RemoveAll(b.disk)
	if err := b.prepare(); err != nil {
		return err
	}
	// After an interrupt the finished figures are printed.
	defer func() {
		b.table.print(os.Stdout)
		fmt.Println(here)
		for _, m := range b.missing {
			fmt.Println("left out:", m)
		}
	}()
	for _, g := range groups {
		if !slices.Contains(wanted, g.name) {
			continue
		}
		fmt.Fprintln(os.Stderr, "bench:", g.name)
		rows, missing := len(b.table.rows), len(b.missing)
		if err := g.measure(b); err != nil {
			return fmt.Errorf("%s: %w", g.name, err)
		}
		if doc == "" || len(b.table.rows) == rows {
			continue
		}
		where := fmt.Sprintf("%s, runs: %d at most", here, b.runs)
		if err := document(doc, g.name, b.table.rows[rows:], where, b.missing[missing:]); err != nil {
			return err
		}
	}
	return nil
}

// miss notes what the table lacks.
func (b *bench) miss(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !slices.Contains(b.missing, text) {
		fmt.Fprintln(os.Stderr, "bench: left out:", text)
		b.missing = append(b.missing, text)
	}
}
