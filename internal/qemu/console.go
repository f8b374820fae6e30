package qemu

import (
	"bytes"
	"io"
	"regexp"
)

// console reads the serial port of the guest, types the answers, and notices the end of the
// boot.
type console struct {
	log    bytes.Buffer // without carriage returns
	line   int          // where the unfinished line begins in log
	tee    io.Writer    // gets everything as it comes, or nil
	expect *regexp.Regexp
	typed  []Typed   // what is still to type
	keys   io.Writer // where to
	after  int       // the end in log of the prompt that was answered last
	stop   func()    // ends QEMU

	matched  bool
	panicked bool
	err      error // of tee
}

var (
	kernelPanic = []byte("Kernel panic - not syncing")
	// With panic=0 the kernel prints this line and stays where it is.
	panicEnd = []byte("---[ end Kernel panic")
)

func (c *console) Write(p []byte) (int, error) {
	if c.tee != nil {
		if _, err := c.tee.Write(p); err != nil {
			c.err = err
			c.stop()
			return 0, err
		}
	}
	for rest := p; len(rest) > 0; {
		part, after, found := bytes.Cut(rest, []byte{'\n'})
		c.log.Write(bytes.ReplaceAll(part, []byte{'\r'}, nil))
		c.look(c.log.Bytes()[c.line:])
		if found {
			c.log.WriteByte('\n')
			c.line = c.log.Len()
		}
		rest = after
	}
	return len(p), nil
}

// end completes an unfinished line of the guest, so that the next output of the host begins on
// a new line.
func (c *console) end() {
	if c.tee != nil && c.err == nil && c.log.Len() > c.line {
		_, c.err = io.WriteString(c.tee, "\n")
	}
}

// look tests a line. The line may be incomplete: a prompt always is.
func (c *console) look(line []byte) {
	if bytes.Contains(line, kernelPanic) {
		c.panicked = true
	}
	if len(c.typed) > 0 {
		from := max(c.line, c.after)
		if at := c.typed[0].Prompt.FindIndex(c.log.Bytes()[from:]); at != nil {
			c.after = from + at[1]
			io.WriteString(c.keys, c.typed[0].Text) // fails if QEMU has ended, which is noticed elsewhere
			c.typed = c.typed[1:]
		}
	}
	if c.expect != nil && c.expect.Match(line) {
		c.matched = true
	}
	if c.matched || bytes.Contains(line, panicEnd) {
		c.stop()
	}
}
