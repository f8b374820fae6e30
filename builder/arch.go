package builder

import (
	"context"
	"fmt"

	"github.com/mkinitfs/mkinitfs/builder/lint"
	"github.com/mkinitfs/mkinitfs/builder/source"
	"github.com/mkinitfs/mkinitfs/builder/translate"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// findArch finds the root and the architecture of its program, for arch: auto. A Go program
// can only be compiled once that is known, so it cannot be part of such a root.
func findArch(ctx context.Context, p *prepared) error {
	for _, c := range p.manifest.Contents {
		if c.Type() == "go" {
			return atPos(c.Common().Pos, fmt.Errorf("a Go program is compiled for an architecture: give arch instead of %s", manifests.AutoArch))
		}
	}
	p.sources = sourceEnv(p.manifest, p.options, &settled{clock: source.ClockAt(p.options.Epoch)}, p.notes)
	err := findRoot(ctx, p)
	if err != nil {
		return err
	}
	if p.manifest.Arch, err = lint.Machine(lint.Planned(p.root.entries), translate.Lint(p.manifest, "").Exec); err != nil {
		return manifests.Errors{{Pos: p.manifest.Pos, Msg: "arch: auto: " + err.Error(), Hint: "--arch ARCH, or arch in the manifest, says what the image is for; --init, or init.exec, names another program"}}
	}
	return nil
}
