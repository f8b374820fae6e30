//go:build linux

package main

import "strings"

// cmdline holds what the stub takes from the kernel's command line. It is read from
// /proc/cmdline, because the kernel does not pass these words on. If a word occurs twice the
// last one counts, as for the kernel.
type cmdline struct {
	root, rootfstype, rootflags string
	init                        string
	onError                     string // mkinitfs.on_error=
	pause                       string // mkinitfs.break=
}

func parseCmdline(line string) cmdline {
	var c cmdline
	for _, word := range splitCmdline(line) {
		if word == "--" {
			break
		}
		switch key, value, _ := strings.Cut(word, "="); key {
		case "root":
			c.root = value
		case "rootfstype":
			c.rootfstype = value
		case "rootflags":
			c.rootflags = value
		case "init":
			c.init = value
		case "mkinitfs.on_error":
			c.onError = value
		case "mkinitfs.break":
			c.pause = value
			if value == "" { // as dracut's rd.break, as late as can be
				c.pause = "exec"
			}
		}
	}
	return c
}

// splitCmdline splits at white space outside double quotes, and drops the quotes
// around a word or a value, as the kernel's next_arg does.
func splitCmdline(line string) []string {
	var words []string
	var word []byte
	inWord, quoted := false, false
	for i := 0; i <= len(line); i++ {
		if i == len(line) || !quoted && (line[i] <= ' ') {
			if inWord {
				words = append(words, string(word))
			}
			word, inWord = word[:0], false
			continue
		}
		inWord = true
		if line[i] == '"' {
			quoted = !quoted
			continue
		}
		word = append(word, line[i])
	}
	return words
}

// fields splits at white space.
func fields(line string) []string {
	var words []string
	start := 0
	for i := 0; i <= len(line); i++ {
		if i < len(line) && line[i] > ' ' {
			continue
		}
		if start < i {
			words = append(words, line[start:i])
		}
		start = i + 1
	}
	return words
}

// vendor reports whether the command line names another root than ours. Boot loaders often
// pass a fixed root=/dev/mtdblock2 rootfstype=squashfs. Their rootflags= are meant for that
// root.
func (c cmdline) vendor() bool {
	ours := func(s string) bool { return s == "" || s == "tmpfs" || s == "ramfs" }
	return !ours(c.root) || !ours(c.rootfstype)
}
