package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/image"
)

// warnRdinit warns if words, the kernel's command line, has an rdinit= that goes past the
// stub of the image in file. name is the image's name in messages.
func warnRdinit(w io.Writer, file, name, words string) error {
	program := ""
	for _, word := range strings.Fields(words) {
		if word == "--" {
			break
		}
		if value, ok := strings.CutPrefix(word, "rdinit="); ok {
			program = strings.Trim(value, `"`)
		}
	}
	if program == "" || program == "/init" {
		return nil
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	p, err := image.BootPlan(f)
	if p == nil || err != nil {
		return err
	}
	if slices.ContainsFunc(p.Rdinit, func(r bootplan.Rdinit) bool { return r.Name == program }) {
		return nil
	}
	fmt.Fprintf(w, "mkinitfs: warning: rdinit=%[1]s does not start the stub of %[2]s, as init.rdinit does not name it\n"+
		"  add init: {rdinit: [%[1]s]} to the manifest, leave the word out, or let %[1]s end with: exec /init \"$@\"\n", program, name)
	return nil
}
