package lint

import (
	"context"
	"errors"
	"io"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/arch"
)

// Image checks the image in, which must be a file. It copies programs and libraries of the
// image into the empty file spool. appended says that the image is appended to another one. A
// file that is no image is an error.
func Image(ctx context.Context, in image.File, spool *os.File, appended bool) ([]Finding, error) {
	p, err := image.ReadParts(ctx, in)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var findings []Finding
	for i := range p.Info.Findings {
		findings = append(findings, ofReader(&p.Info.Findings[i], appended))
	}
	if err != nil && p.Info.Envelope == nil && !image.Begins(io.NewSectionReader(in, 0, 1<<62)) {
		return findings, err
	}
	if pathErr := (*os.PathError)(nil); errors.As(err, &pathErr) {
		return findings, err // of the host
	}
	if err != nil {
		return append(findings, *find(unreadable).found("", printable(err.Error()), "")), nil
	}
	root := rootOf(p.Root)
	if err := copyContents(ctx, in, spool, p.Root, root); err != nil {
		return findings, err
	}
	o, unknown, err := optionsOf(root, p.Info.Plan)
	if err != nil {
		return findings, err
	}
	o.Appended = appended
	found, foreign := Check(root, o)
	findings = append(findings, found...)
	if unknown != nil {
		if len(found) == 0 || found[0].Code != cannotStart { // which says more
			findings = append(findings, *find(machineUnknown).found("", unknown.Error(), ""))
		}
		return findings, nil
	}
	foreign.Open(root)
	return append(findings, foreign.Findings()...), nil
}

// optionsOf returns the options for an image, from its boot plan. Without a plan the kernel starts
// /init, and its machine counts. unknown is the reason why the machine cannot be told, or nil.
func optionsOf(root Planned, text []byte) (o Options, unknown, err error) {
	if text != nil {
		boot, err := bootplan.Parse(text)
		if err != nil {
			return Options{}, nil, err
		}
		return Options{Arch: boot.Arch, Exec: boot.Exec, Env: boot.Env}, nil, nil
	}
	o.Exec = "/init"
	o.Arch, unknown = Machine(root, o.Exec)
	return o, unknown, nil
}

// rootOf returns the root of an image as a plan, without contents.
func rootOf(list []image.Entry) Planned {
	root := Planned{}
	for i := range list {
		e := &list[i]
		planned := &plan.Entry{
			Path: e.Path(), Mode: e.Mode, UID: e.UID, GID: e.GID, MTime: e.MTime, Target: e.Link,
			Major: e.RdevMajor, Minor: e.RdevMinor, Nlink: e.Nlink, Ino: uint32(e.Content()), Brought: true,
		}
		if planned.IsFile() {
			planned.Size = e.Size
		}
		root = append(root, planned)
	}
	slices.SortFunc(root, func(a, b *plan.Entry) int { return strings.Compare(a.Path, b.Path) })
	if plan.At(root, "/") == nil {
		root = slices.Insert(root, 0, &plan.Entry{Path: "/", Mode: plan.TypeDir | 0o755})
	}
	return root
}

// copyContents copies the contents that rules read to spool, and leads the entries of the root
// there.
func copyContents(ctx context.Context, in image.File, spool *os.File, list []image.Entry, root Planned) error {
	want, readers := map[int64]bool{}, map[int64][]*plan.Entry{}
	whole := map[int64]bool{}
	for i := range list {
		e := plan.At(root, list[i].Path())
		if e == nil || !e.IsFile() || e.Size == 0 {
			continue
		}
		n := list[i].Content()
		readers[n] = append(readers[n], e)
		switch {
		case e.Mode&0o111 != 0, strings.Contains(path.Base(e.Path), ".so"), strings.HasPrefix(e.Path, "/etc/ld"):
			want[n], whole[n] = true, true
		case isModule(e.Path):
			want[n] = true
		}
	}
	at := int64(0)
	return image.Contents(ctx, in, want, func(content int64, body io.Reader) error {
		if !whole[content] {
			body = io.LimitReader(body, arch.HeaderSize)
		}
		n, err := io.Copy(spool, body)
		for _, e := range readers[content] {
			e.Data = plan.Data{At: spool, Offset: at}
		}
		at += n
		return err
	})
}
