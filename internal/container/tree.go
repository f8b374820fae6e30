//go:build linux

package container

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/image"
)

// tree is the root as it grows at newroot.
type tree struct {
	ids  *IDs
	lent map[device]string // device nodes of the host, by their names on the stage

	plan     *bootplan.Plan    // nil if the image has none
	nodes    map[string]string // empty files that a node of the host is to be bound to, and which one
	squashed int               // entries whose owners there are no ids for
	skipped  int               // device nodes that cannot be made
	unset    []error           // extended attributes that cannot be set
	findings image.Findings    // what of the image does not arrive
}

// unpack unpacks an image into newroot, which is empty.
func (t *tree) unpack(ctx context.Context, in io.Reader) error {
	top, err := os.Open(newroot)
	if err != nil {
		return err
	}
	defer top.Close()
	t.nodes = map[string]string{}
	x := image.Extraction{
		Dir:     top,
		Parents: true,
		Planned: t.planned,
		Adapt: func(h *cpio.Header) (bool, error) {
			return t.adapt(h), ctx.Err()
		},
	}
	err = x.Extract(in)
	t.unset, t.findings = x.Unset, x.Findings
	return err
}

// planned takes the size of the root from the plan.
func (t *tree) planned(p *bootplan.Plan) error {
	t.plan = p
	var options []string
	if p.Size != "" {
		options = append(options, "size="+p.Size)
	}
	if p.Inodes > 0 {
		options = append(options, "nr_inodes="+strconv.FormatInt(p.Inodes, 10))
	}
	if options == nil {
		return nil
	}
	if err := unix.Mount("", newroot, "", unix.MS_REMOUNT, strings.Join(options, ",")); err != nil {
		return fmt.Errorf("set %s of the root: %w", strings.Join(options, ","), err)
	}
	return nil
}

// adapt makes an entry one that the user may have, or says that it cannot be had.
func (t *tree) adapt(h *cpio.Header) bool {
	if t.ids.Squash(h) {
		t.squashed++
	}
	delete(t.nodes, "/"+h.Name) // the later entry counts
	if kind := h.Type(); kind == cpio.TypeChar || kind == cpio.TypeBlock {
		source, ok := t.lent[device{h.RdevMajor, h.RdevMinor}]
		switch {
		case ok && kind == cpio.TypeChar:
			t.nodes["/"+h.Name] = source
			h.Mode = h.Mode&^cpio.TypeMask | cpio.TypeFile
		case !t.ids.Whole():
			t.skipped++
			return false
		}
	}
	return true
}
