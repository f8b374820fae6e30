package stub

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/gobuild"
)

// TestSources holds that a change of any file that a stub is compiled from changes the key
// in the cache.
func TestSources(t *testing.T) {
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	hashed, err := sources(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range Variants("amd64") {
		files, err := gobuild.Sources(t.Context(), gobuild.Target{Dir: dir, Package: "./builder/stub/init", Arch: v.Arch, Tags: v.Tags()})
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, file := range files {
			if strings.HasSuffix(file, ".go") {
				found++
				if !slices.Contains(hashed, file) {
					t.Errorf("%s is compiled from %s, which is not in the key", v.FileName(), file)
				}
			}
		}
		if found == 0 {
			t.Errorf("%s: go list names no source file", v.FileName())
		}
	}
}

// TestModuleDir has a go command that notes what it is asked for. The notice about a
// download comes before the first call that may use the network.
func TestModuleDir(t *testing.T) {
	hint := "\n  build it with make ARCHS=\"mipsle\", or run it with go run or go install, or give --stub FILE"
	const download = "this mkinitfs carries no stubs: downloading its source, to compile one for mipsle"
	if carried() != nil {
		t.Skip("this test program carries stubs")
	}
	for _, test := range []struct {
		name, proxy string // from which on the module is there
		want        string
	}{
		{"in the module cache", "off", "go off\ngot /module"},
		{"downloaded", "net", "go off\nnotice " + download + hint + "\ngo net\ngot /module"},
		{"nowhere", "never", "go off\nnotice " + download + hint + "\ngo net\n" +
			"got this mkinitfs carries no stubs, and its source is not at hand to compile another: no such host" + hint},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			log := filepath.Join(dir, "log")
			script := fmt.Sprintf("#!/bin/sh\necho \"go $GOPROXY\" >>%s\n"+
				"[ \"$GOPROXY\" = %s ] && echo '{\"Dir\": \"/module\"}' && exit\necho '{\"Error\": \"no such host\"}'\nexit 1\n", log, test.proxy)
			if err := os.WriteFile(filepath.Join(dir, "go"), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
			t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
			t.Setenv("GOPROXY", "net")
			note := func(text string) {
				f, err := os.OpenFile(log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				fmt.Fprintln(f, text)
			}
			got, err := moduleDir(t.Context(), "v1.2.3", "mipsle", func(text string) { note("notice " + text) })
			if err != nil {
				got = err.Error()
			}
			note("got " + got)
			all, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			if text := strings.TrimSuffix(string(all), "\n"); text != test.want {
				t.Errorf("got\n%s\nwant\n%s", text, test.want)
			}
		})
	}
}
