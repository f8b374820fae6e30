package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestTranscripts repeats the transcripts of the documents and compares the output. It
// repeats the commands of mkinitfs that need only hello.img, the image of examples/hello, and
// files made by earlier commands of the same document.
func TestTranscripts(t *testing.T) {
	hello := filepath.Join(t.TempDir(), "hello.img")
	build := exec.Command(commandPath(t), "build", filepath.Join(repository(t), "examples/hello/hello.yaml"), "-o", hello)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	repeated := map[string]bool{}
	for _, file := range documents(t) {
		dir := t.TempDir()
		if err := os.Link(hello, filepath.Join(dir, "hello.img")); err != nil {
			t.Fatal(err)
		}
		for _, e := range exchanges(readFile(t, file)) {
			e.command = strings.Replace(e.command, "go run ./cmd/mkinitfs ", "mkinitfs ", 1)
			words := strings.Fields(e.command)
			switch {
			case words[0] == "cat" && len(words) == 2 && strings.HasSuffix(words[1], ".yaml"):
				writeFile(t, filepath.Join(dir, words[1]), []byte(e.output))
			case words[0] == "mkinitfs" && words[1] != "boot" && haveInputs(dir, words[2:]):
				repeated[words[1]] = true
				t.Run(filepath.Base(file)+" "+words[1], func(t *testing.T) { repeat(t, dir, e) })
			}
		}
	}
	for _, name := range []string{"check", "list", "extract", "cat", "run", "diff", "verify", "inspect"} {
		if !repeated[name] {
			t.Errorf("got no transcript of mkinitfs %s, want one", name)
		}
	}
}

// repeat runs the command of an exchange and compares its output. For run it compares
// standard output alone, because users other than root get extra messages.
func repeat(t *testing.T, dir string, e exchange) {
	running := strings.HasPrefix(e.command, "mkinitfs run ")
	if running {
		runners()[0].needNamespaces(t)
	}
	var out, words bytes.Buffer
	cmd := exec.Command("sh", "-c", e.command)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
	if running {
		cmd.Stderr = &words
	}
	err := cmd.Run()
	if differs := strings.HasPrefix(e.command, "mkinitfs diff ") && cmd.ProcessState.ExitCode() == exitDiffers; err != nil && !differs {
		t.Errorf("%s: %v\n%s", e.command, err, &words)
	}
	if diff := cmp.Diff(e.output, out.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", e.command, diff)
	}
}

// haveInputs reports whether all manifests and images that words name are in dir. The image
// behind -o need not exist.
func haveInputs(dir string, words []string) bool {
	inputs := 0
	for i, word := range words {
		if ext := filepath.Ext(word); ext != ".yaml" && ext != ".img" || i > 0 && words[i-1] == "-o" {
			continue
		}
		inputs++
		if _, err := os.Stat(filepath.Join(dir, word)); err != nil {
			return false
		}
	}
	return inputs > 0
}

// exchange is a command of a transcript and its output.
type exchange struct{ command, output string }

// exchanges returns the commands behind "$ " in the console blocks of a document.
func exchanges(text string) []exchange {
	var all []exchange
	for _, block := range regexp.MustCompile("(?ms)^```console\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(block[1]) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				all = append(all, exchange{command: strings.TrimSuffix(command, "\n")})
			} else if len(all) > 0 {
				all[len(all)-1].output += line
			}
		}
	}
	return all
}
