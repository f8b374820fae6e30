package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// progressBar shows how far a build is, in the last line of a terminal.
type progressBar struct {
	out  *os.File
	next time.Time // not drawn before
	on   bool
}

// newProgressBar returns a bar that appears when a build takes longer than a second. It
// returns nil if out is not a terminal, or a terminal that cannot go back in a line.
func newProgressBar(out io.Writer, lookup func(string) (string, bool)) *progressBar {
	if term, _ := lookup("TERM"); !isTerminal(out) || term == "" || term == "dumb" {
		return nil
	}
	return &progressBar{out: out.(*os.File), next: time.Now().Add(time.Second)}
}

// show draws the bar. It is for [builder.Options.Progress].
func (b *progressBar) show(done, total int64) {
	now := time.Now()
	if now.Before(b.next) {
		return
	}
	b.next, b.on = now.Add(time.Second/10), true
	width := 80
	if size, err := unix.IoctlGetWinsize(int(b.out.Fd()), unix.TIOCGWINSZ); err == nil && size.Col > 0 {
		width = int(size.Col)
	}
	fmt.Fprintf(b.out, "\r%s\x1b[K", progressLine(done, total, width-1)) // a full line would wrap
}

// clear removes the bar, if there is one.
func (b *progressBar) clear() {
	if b != nil && b.on {
		fmt.Fprint(b.out, "\r\x1b[K")
	}
}

// progressLine returns a bar of at most width columns, without colour.
func progressLine(done, total int64, width int) string {
	done = min(done, total)
	words := fmt.Sprintf("%3d%% of %s", 100*done/max(total, 1), sizeText(total))
	room := min(width-len(words)-3, 50)
	if room < 5 {
		return words[:max(0, min(width, len(words)))]
	}
	full := int(int64(room) * done / max(total, 1))
	return "[" + strings.Repeat("=", full) + strings.Repeat(" ", room-full) + "] " + words
}
