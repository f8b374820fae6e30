package testenv

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// TestWorkflow holds the commands of CI against the repository: the scripts are there
// and executable, and the Makefile has the targets.
func TestWorkflow(t *testing.T) {
	const root = "../.."
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	commands := workflowCommands(t, filepath.Join(root, ".github/workflows/ci.yml"))
	for _, want := range []string{".ci/run", "make test-fast", "make check-deep"} {
		if !slices.Contains(commands, want) {
			t.Errorf("no job runs %s", want)
		}
	}
	for _, command := range commands {
		words := strings.Fields(command)
		switch {
		case strings.Contains(words[0], "/"):
			if info, err := os.Stat(filepath.Join(root, words[0])); err != nil || info.Mode()&0o111 == 0 {
				t.Errorf("%s: got error %v, want an executable file", command, err)
			}
		case words[0] == "make":
			for _, target := range words[1:] {
				if !regexp.MustCompile(`(?m)^(\S+ )*` + regexp.QuoteMeta(target) + `( \S+)*:`).Match(makefile) {
					t.Errorf("%s: the Makefile has no target %s", command, target)
				}
			}
		}
	}
}

// workflowCommands returns what the steps of a workflow run.
func workflowCommands(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var workflow struct {
		Jobs map[string]struct {
			Steps []struct{ Run string }
		}
	}
	if err := yaml.Unmarshal(text, &workflow); err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, job := range workflow.Jobs {
		for _, step := range job.Steps {
			if step.Run != "" {
				commands = append(commands, step.Run)
			}
		}
	}
	return commands
}
