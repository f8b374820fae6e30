package source

import (
	"context"
	"slices"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// kernelInit is the path of the program that the kernel starts in an initramfs.
const kernelInit = "/init"

// ChooseInit makes /init the program of a root that is made of an initramfs, as the kernel
// would, unless the manifest names another program. found are the entries of the item c.
func ChooseInit(init *manifests.Init, c manifests.Content, found []*plan.Entry) {
	if init.Unasked && init.Exec == manifests.Default().Init.Exec && c.Type() == "cpio" && hasPath(found, kernelInit) {
		init.Exec = kernelInit
	}
}

// AddInit links /init to the root's program, unless the root has an entry there. The kernel
// needs the link in a root without a stub. In other roots, switch_root of busybox and run-init
// of some versions of klibc (not 2.0.12) look for /init, to check that they empty an initramfs
// and not a disk.
func AddInit(ctx context.Context, env *Env, init manifests.Init, entries []*plan.Entry) ([]*plan.Entry, error) {
	if init.Exec == "" || init.Exec == kernelInit || hasPath(entries, kernelInit) {
		return entries, nil
	}
	link, err := Entries(ctx, env, &manifests.Symlink{
		Item:   manifests.Item{Pos: init.ExecPos, Dst: kernelInit},
		Target: init.Exec,
	})
	return append(entries, link...), err
}

func hasPath(entries []*plan.Entry, path string) bool {
	return slices.ContainsFunc(entries, func(e *plan.Entry) bool { return e.Path == path })
}
