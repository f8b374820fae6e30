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
	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/internal/words"
)

// unpack unpacks an image into newroot, which is empty. A file is where the host has a
// device node to lend.
func (in *inside) unpack(ctx context.Context, img io.Reader) error {
	top, err := os.Open(newroot)
	if err != nil {
		return err
	}
	defer top.Close()
	x := &image.Extraction{
		Dir:     top,
		Parents: true,
		User:    in.user,
		Planned: func(p *bootplan.Plan) error {
			in.plan = p
			return resize(p)
		},
		Lend: func(d image.Device) bool {
			_, ok := in.stage.nodes[d]
			return ok
		},
	}
	if err := x.Extract(ctx, img); err != nil {
		return fmt.Errorf("%s: %w", in.name, err)
	}
	in.lent = x.Lent
	in.sayDifferences(x)
	return nil
}

// resize gives the new root the size that the plan has for it.
func resize(p *bootplan.Plan) error {
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

// sayDifferences lists the differences from the image.
func (in *inside) sayDifferences(x *image.Extraction) {
	for _, f := range x.Findings {
		in.say("warning: %s: %s", in.name, &f)
	}
	if n := x.Squashed; n > 0 {
		in.say("%s given to root: there are no ids for their owners here", words.Count(n, "entry", "entries"))
	}
	if n := len(x.Skipped); n > 0 {
		in.say("%s left out: only root can make them", words.Count(n, "device node", "device nodes"))
	}
	if n := len(x.Unset); n > 0 {
		in.say("%s not set, the first being %v", words.Count(n, "extended attribute", "extended attributes"), x.Unset[0])
	}
}
