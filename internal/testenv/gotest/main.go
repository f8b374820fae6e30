// Command gotest runs "go test" with its own arguments and prints the output. Then it prints
// the ten slowest tests, the reasons of skipped tests and the number of passed tests. Its exit
// status is that of "go test".
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

func main() {
	status, err := run(os.Args[1:], os.Stdout, os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
	}
	os.Exit(status)
}

// run returns the exit status of "go test", 1 with an error.
func run(args []string, stdout, stderr io.Writer) (int, error) {
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 1, err
	}
	if err := cmd.Start(); err != nil {
		return 1, err
	}
	s := newSummary(stdout)
	if err := read(out, s); err != nil {
		return 1, errors.Join(fmt.Errorf("read what go test prints: %w", err), cmd.Process.Kill(), cmd.Wait())
	}
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 1, err
	}
	s.print()
	return cmd.ProcessState.ExitCode(), nil
}

// event is a line of "go test -json", see "go doc test2json" and "go help buildjson".
type event struct {
	Action  string
	Package string
	Test    string
	Elapsed float64 // seconds
	Output  string
}

// read passes on events as they come. Lines that are no JSON are from go itself.
func read(from io.Reader, s *summary) error {
	lines := bufio.NewReader(from)
	for {
		line, err := lines.ReadBytes('\n')
		var e event
		switch {
		case len(line) == 0:
		case json.Unmarshal(line, &e) == nil:
			s.add(e)
		default:
			s.to.Write(line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
