//go:build linux

// Uroot packs the files that standard input names, one a line, with u-root's
// pkg/cpio, into an archive on standard output.
package main

import (
	"bufio"
	"fmt"
	"os"

	"github.com/u-root/u-root/pkg/cpio"
)

func main() {
	if err := pack(); err != nil {
		fmt.Fprintln(os.Stderr, "uroot:", err)
		os.Exit(1)
	}
}

func pack() error {
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	archive := cpio.Newc.Writer(out)
	files := cpio.NewRecorder()
	for names := bufio.NewScanner(os.Stdin); names.Scan(); {
		record, err := files.GetRecord(names.Text())
		if err != nil {
			return err
		}
		if err := archive.WriteRecord(record); err != nil {
			return err
		}
	}
	if err := cpio.WriteTrailer(archive); err != nil {
		return err
	}
	return out.Flush()
}
