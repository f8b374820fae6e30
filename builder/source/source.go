// Package source turns the items of a manifest into entries for a plan. Each type of contents
// has its file, with a [Source] that looks at the host. A source applies no policy and reads
// little, because contents are opened when the image is written.
//
// The image does not reveal who built it. So owners are 0:0, and times are SOURCE_DATE_EPOCH or
// 0, unless the item sets them. Archives keep their owners and times, because these are part of
// the input.
package source

import (
	"context"
	"fmt"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// Source is an item of contents that can return its entries.
type Source interface {
	// Entries returns the item's entries. The files that they are read from stay open until env
	// is closed. An error is of type [plan.Errors], or the error of ctx.
	Entries(ctx context.Context, env *Env) ([]*plan.Entry, error)
}

// Entries returns the entries of an item. Errors are those of [Source].
func Entries(ctx context.Context, env *Env, c manifests.Content) ([]*plan.Entry, error) {
	s, err := Of(c)
	if err != nil {
		return nil, err
	}
	return s.Entries(ctx, env)
}

// Of returns the source for an item. There is a row for each type of contents.
func Of(c manifests.Content) (Source, error) {
	switch c := c.(type) {
	case *manifests.File:
		return fileSource{c}, nil
	case *manifests.Tree:
		return treeSource{c}, nil
	case *manifests.Tar:
		return tarSource{c}, nil
	case *manifests.Cpio:
		return cpioSource{c}, nil
	case *manifests.List:
		return listSource{c}, nil
	case *manifests.Modules:
		return modulesSource{c}, nil
	case *manifests.OCI:
		return ociSource{c}, nil
	case *manifests.Go:
		return goSource{c}, nil
	case *manifests.Dir:
		return nodeSource{&c.Item, &c.Attr, plan.TypeDir, 0o755}, nil
	case *manifests.FIFO:
		return nodeSource{&c.Item, &c.Attr, plan.TypeFIFO, 0o644}, nil
	case *manifests.Socket:
		return nodeSource{&c.Item, &c.Attr, plan.TypeSocket, 0o755}, nil
	case *manifests.Char:
		return deviceSource{nodeSource{&c.Item, &c.Attr, plan.TypeChar, 0o600}, c.Device}, nil
	case *manifests.Block:
		return deviceSource{nodeSource{&c.Item, &c.Attr, plan.TypeBlock, 0o600}, c.Device}, nil
	case *manifests.Symlink:
		return symlinkSource{c}, nil
	case *manifests.Hardlink:
		return hardlinkSource{c}, nil
	}
	return nil, fmt.Errorf("no source for a %T", c)
}
