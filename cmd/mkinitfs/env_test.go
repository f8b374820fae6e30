package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
)

// inProcess runs a command in this process.
func inProcess(stdin io.Reader, lookup func(string) (string, bool), args ...string) (status int, stdout, stderr string) {
	var out, words bytes.Buffer
	status = run(args, environment{stdin: stdin, stdout: &out, stderr: &words, lookup: lookup})
	return status, out.String(), words.String()
}

// mkinitfs runs a command with this process's environment and without standard input.
func mkinitfs(args ...string) (status int, stdout, stderr string) {
	return inProcess(strings.NewReader(""), os.LookupEnv, args...)
}

// TestEnv checks that commands use only the streams and the environment that they are given.
func TestEnv(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "not for this one")
	img := filepath.Join(t.TempDir(), "plain.img")
	var content bytes.Buffer
	archive(t, &content, cpioEntry{cpio.Header{Name: "motd", Mode: cpio.TypeFile | 0o644, Nlink: 1}, "hello\n"})
	writeFile(t, img, content.Bytes())
	const manifest = "version: 1\narch: amd64\nroot: {type: none}\ncompress: none\ncontents: [{type: file, dst: /x, content: \"${WORD}\"}]\n"
	tests := []struct {
		args           string
		stdin          string
		variables      []string
		status         int
		stdout, stderr string
	}{
		{"list " + img, "", nil, 0, "/motd\n", ""},
		{"list -", content.String(), nil, 0, "/motd\n", ""},
		{"cat - /motd", content.String(), nil, 0, "hello\n", ""},
		{"extract - " + filepath.Join(t.TempDir(), "new"), content.String(), nil, 0, "", ""},
		{"list " + img + " more", "", nil, 2, "", "mkinitfs: list takes one image, got 2 arguments\n  usage: mkinitfs list IMAGE\n"},
		{"lsit", "", nil, 2, "", "mkinitfs: unknown command \"lsit\" (did you mean \"list\"?)\n  run \"mkinitfs --help\" for the list\n"},
		{"check -", manifest, []string{"WORD=1", "SOURCE_DATE_EPOCH=1"}, 0, "-: amd64, none root, 6 entries, 1 B unpacked\n",
			"mkinitfs: warning: <stdin>:1:1: init.exec: /init -> /sbin/init is not in the root\n"},
		{"check -", manifest, []string{"WORD=1", "SOURCE_DATE_EPOCH=x"}, 1, "",
			"mkinitfs: SOURCE_DATE_EPOCH=\"x\": want seconds since 1970, 4294967295 at most\n"},
	}
	for _, test := range tests {
		lookup := func(name string) (string, bool) {
			for _, v := range test.variables {
				if value, ok := strings.CutPrefix(v, name+"="); ok {
					return value, true
				}
			}
			return "", false
		}
		status, stdout, stderr := inProcess(strings.NewReader(test.stdin), lookup, strings.Fields(test.args)...)
		if status != test.status || stdout != test.stdout || stderr != test.stderr {
			t.Errorf("%s: got status %d, stdout %q, stderr %q; want %d, %q, %q",
				test.args, status, stdout, stderr, test.status, test.stdout, test.stderr)
		}
	}
}
