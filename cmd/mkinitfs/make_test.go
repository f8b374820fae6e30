package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestMakeSays checks that make refuses wrong settings before it builds anything.
func TestMakeSays(t *testing.T) {
	const hint = "  install one from https://go.dev/dl, or name one: make GO=/path/to/go\n"
	goOf := func(version, toolchain string) string {
		file := filepath.Join(t.TempDir(), "go")
		script := "#!/bin/sh\ncase $1 in\nversion) echo go version go" + version + " linux/amd64 ;;\n" +
			"env) echo " + toolchain + " ;;\n*) echo built; exit 1 ;;\nesac\n"
		if err := os.WriteFile(file, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		return file
	}
	old, older, fetches := goOf("1.24.1", "local"), goOf("1.19.8", ""), goOf("1.24.1", "auto")
	for _, test := range []struct{ name, word, want string }{
		{"another name", "ARCHS=mipsel", "embed: unknown architecture \"mipsel\"\n  write mipsle\n"},
		{"a slip", "ARCHS=amd64 arm46", "embed: unknown architecture \"arm46\" (did you mean \"arm64\"?)\n"},
		{"old", "GO=" + old, " or newer, " + old + " is of version 1.24.1\n" + hint},
		{"older than toolchains", "GO=" + older, " or newer, " + older + " is of version 1.19.8\n" + hint},
		{"none", "GO=/no/go", " or newer, there is no /no/go\n" + hint},
		{"one that fetches another", "GO=" + fetches, "built\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.Command(testenv.Tool(t, "make"), "-C", repository(t), "all", test.word)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), test.want) {
				t.Errorf("got error %v and\n%s\nwant an error and %q", err, out, test.want)
			}
			if strings.Contains(test.want, hint) && bytes.Contains(out, []byte("built")) {
				t.Errorf("got a build, want none:\n%s", out)
			}
		})
	}
}

// TestExamplesKernel checks that the examples find the kernel of internal/testenv/kernel.sh,
// or say that there is none.
func TestExamplesKernel(t *testing.T) {
	name := runtime.GOARCH
	if table := readFile(t, filepath.Join(repository(t), "internal/testenv/kernel.sh")); !strings.Contains(string(table), "\n"+name+")") {
		t.Skip("kernel.sh has no kernel for", name)
	}
	for example, kernel := range map[string]string{"debian-runc": name, "oci-application": name, "selinux": name, "router-mipsel": "mipsle"} {
		cache := t.TempDir()
		file := filepath.Join(cache, "mkinitfs", "kernels", kernel, "vmlinuz")
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		writeFile(t, file, []byte("kernel"))
		cmd := exec.Command(testenv.Tool(t, "make"), "-n", "-C", filepath.Join(repository(t), "examples", example), "boot",
			"BUSYBOX=busybox", "MKINITFS=mkinitfs")
		cmd.Env = append(without(os.Environ(), "KERNEL"), "XDG_CACHE_HOME="+cache)
		out, err := cmd.CombinedOutput()
		if want := ` --kernel "` + file + `" `; err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s: got error %v, want %q in\n%s", example, err, want, out)
		}
	}
}

// without returns the environment without a variable.
func without(env []string, name string) []string {
	var rest []string
	for _, v := range env {
		if !strings.HasPrefix(v, name+"=") {
			rest = append(rest, v)
		}
	}
	return rest
}
