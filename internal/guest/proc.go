//go:build linux

package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/internal/guest/report"
)

// scratch is a directory of our own.
const scratch = "/.guest"

// lookIntoProc reads the command line, the open files and the mounts from a
// proc of our own, which is not among those mounts.
func lookIntoProc(r *report.Report) error {
	if err := os.Mkdir(scratch, 0o700); err != nil {
		return err
	}
	if err := unix.Mount("proc", scratch, "proc", 0, ""); err != nil {
		return fmt.Errorf("mount: %w", err)
	}
	cmdline, err := os.ReadFile(scratch + "/cmdline")
	if err != nil {
		return err
	}
	r.Nonce = nonce(string(cmdline))

	for fd := range 3 {
		link, err := os.Readlink(fmt.Sprintf("%s/self/fd/%d", scratch, fd))
		if err != nil {
			continue // closed
		}
		info, err := os.ReadFile(fmt.Sprintf("%s/self/fdinfo/%d", scratch, fd))
		if err != nil {
			return err
		}
		r.Files = append(r.Files, report.File{FD: fd, Mount: mountID(string(info)), Path: link})
	}

	// The file outlives the mount, and lists the mounts when it is read.
	mountinfo, err := os.Open(scratch + "/self/mountinfo")
	if err != nil {
		return err
	}
	defer mountinfo.Close()
	if err := unix.Unmount(scratch, unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount: %w", err)
	}
	r.Mounts, err = mounts(mountinfo)
	return err
}

// mountID finds the ID of the mount in a fdinfo, which has it since Linux 3.15.
func mountID(fdinfo string) int {
	for line := range strings.Lines(fdinfo) {
		if value, found := strings.CutPrefix(line, "mnt_id:"); found {
			id, _ := strconv.Atoi(strings.TrimSpace(value))
			return id
		}
	}
	return 0
}

// mounts reads a mountinfo as proc(5) describes it:
//
//	36 35 98:0 /root /point rw,noatime master:1 - ext3 /dev/root rw,errors=continue
//
// with any number of optional fields, here master:1, before the dash.
func mounts(r io.Reader) ([]report.Mount, error) {
	var mounts []report.Mount
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		before, after, _ := strings.Cut(lines.Text(), " - ")
		head, tail := strings.Fields(before), strings.Fields(after)
		if len(head) < 6 || len(tail) < 3 {
			return nil, fmt.Errorf("mountinfo: %q", lines.Text())
		}
		id, err := strconv.Atoi(head[0])
		if err != nil {
			return nil, err
		}
		parent, err := strconv.Atoi(head[1])
		if err != nil {
			return nil, err
		}
		mounts = append(mounts, report.Mount{
			ID: id, Parent: parent, Root: head[3], Point: head[4], Options: head[5],
			Type: tail[0], Source: tail[1], Super: tail[2],
		})
	}
	return mounts, lines.Err()
}
