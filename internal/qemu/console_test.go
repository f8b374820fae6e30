package qemu

import (
	"bytes"
	"io"
	"regexp"
	"testing"
)

// TestConsoleEnd shows that what the host prints after a boot begins on a line of its
// own, even if the boot ended in the middle of one.
func TestConsoleEnd(t *testing.T) {
	for _, test := range []struct{ name, written, want string }{
		{"nothing", "", ""},
		{"whole line", "up\r\n", "up\r\n"},
		{"prompt", "up\r\nlogin: ", "up\r\nlogin: \n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var tee bytes.Buffer
			c := &console{tee: &tee, expect: regexp.MustCompile("login"), stop: func() {}}
			if _, err := io.WriteString(c, test.written); err != nil {
				t.Fatal(err)
			}
			c.end()
			if got := tee.String(); got != test.want || c.err != nil {
				t.Errorf("got %q, %v, want %q", got, c.err, test.want)
			}
		})
	}
}
