// Package gobuild compiles Go programs for an image. The same source and the same Go version
// give the same bytes for every user on every machine.
//
// The bytes of a Go binary depend on more than its source: GOFLAGS and GOEXPERIMENT, the
// machine levels (GOAMD64 and others), a workspace file, the directory of the build, the state
// of the version control system. Package gobuild fixes all of that, in the environment and in
// the file that "go env -w" writes. Modules, toolchains and caches still come from where the
// user wants.
package gobuild

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// ErrNoGo is the cause of an error when there is no go command in PATH.
var ErrNoGo = errors.New("no go command found in PATH")

// flags of every build; -s -w and the empty build id leave no symbols and no
// trace of the building machine.
var flags = []string{"-trimpath", "-buildvcs=false", "-ldflags=-s -w -buildid="}

// Target says what to compile.
type Target struct {
	Dir     string   // a directory of the module that Package is found from; "" is the current one
	Package string   // as given to go build: "./cmd/x" or an import path
	Arch    string   // GOARCH, or arm/v5, arm/v6, arm/v7; "" is this machine's
	Tags    []string // build tags
	Flags   []string // of go build, beside those of every build
	Out     string   // the file to write
}

// Build compiles t as a static Linux program. The error holds the messages of the compiler,
// one a line. When ctx ends, the build gets a moment to remove its temporary files.
func Build(ctx context.Context, t Target) error {
	what := t.Package
	if t.Arch != "" {
		what += " for " + t.Arch
	}
	if err := build(ctx, t); err != nil {
		return fmt.Errorf("build %s: %w", what, err)
	}
	return nil
}

func build(ctx context.Context, t Target) error {
	env, err := environ(ctx, t.Dir, t.Arch)
	if err != nil {
		return err
	}
	out, err := filepath.Abs(t.Out)
	if err != nil {
		return err
	}
	args := slices.Concat([]string{"build"}, flags, t.Flags)
	if len(t.Tags) > 0 {
		args = append(args, "-tags="+strings.Join(t.Tags, ","))
	}
	// An interrupted go build leaves its temporary files where they are.
	tmp, err := os.MkdirTemp(setting(env, "GOTMPDIR"), "mkinitfs-go-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if env = append(env, "GOTMPDIR="+tmp); setting(env, "GOCACHE") == noCache {
		env = append(env, "GOCACHE="+filepath.Join(tmp, "cache")) // without one nothing is compiled
	}
	_, err = run(ctx, t.Dir, env, append(args, "-o", out, "--", t.Package)...)
	return err
}

// setting returns the value of a variable. If the variable occurs twice the last one counts.
func setting(env []string, name string) string {
	for _, v := range slices.Backward(env) {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

// run calls the go command in dir and returns what it wrote to its output.
func run(ctx context.Context, dir string, env []string, args ...string) ([]byte, error) {
	tool, err := exec.LookPath("go")
	if err != nil {
		return nil, ErrNoGo
	}
	cmd := exec.CommandContext(ctx, tool, args...)
	cmd.Dir, cmd.Env = dir, env
	// A group of its own, so that the compilers end with it, and before Run returns
	// nobody writes temporary files any more.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if words := strings.TrimSpace(stderr.String()); err != nil && words != "" {
		return nil, fmt.Errorf("%w\n\t%s", err, strings.ReplaceAll(words, "\n", "\n\t"))
	}
	return stdout.Bytes(), err
}
