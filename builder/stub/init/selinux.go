//go:build linux

package main

import (
	"syscall"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// loadPolicy loads the SELinux policy of the new root before the labels are set. A kernel
// labels tmpfs and rootfs anew with its first policy, so earlier labels are lost. Later labels
// stay when the init loads a policy again. Nothing is enforced until the program starts,
// because policies do not know this stub. From here on a refused label is an error, because
// the init will enforce the policy.
func (b *boot) loadPolicy() error {
	if b.plan.SELinux == "" {
		return nil
	}
	const dir = "/" + bootplan.Dir + "/selinux"
	if err := syscall.Mkdir(dir, 0o700); err != nil {
		return failure("mkdir", dir, err)
	}
	defer syscall.Rmdir(dir)
	if err := syscall.Mount("selinuxfs", dir, "selinuxfs", 0, ""); err != nil {
		b.warn("mount selinuxfs: " + err.Error() + "; SELinux is not in this kernel, or off (security=selinux turns it on): no policy is loaded")
		return nil
	}
	defer syscall.Unmount(dir, syscall.MNT_DETACH)
	if text, err := readFile(dir + "/enforce"); err == nil && string(text) == "1" {
		fd, err := syscall.Open(dir+"/enforce", syscall.O_WRONLY|syscall.O_CLOEXEC, 0)
		if err != nil {
			return failure("open", dir+"/enforce", err)
		}
		write(fd, "0") // a kernel that cannot do without refuses labels, if anything
		b.enforce = fd
	}
	if err := load(dir+"/load", b.newroot+b.plan.SELinux); err != nil {
		version, _ := readFile(dir + "/policyvers")
		return hint(failure("load", b.plan.SELinux, err),
			"this kernel takes policies up to version "+string(version)+"; with selinux=0 or security=none it boots without")
	}
	b.labelled = true
	return nil
}

// load copies a policy to a file of selinuxfs, which wants it in one piece.
func load(to, policy string) error {
	data, err := readFile(policy)
	if err != nil {
		return err
	}
	fd, err := syscall.Open(to, syscall.O_WRONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	_, err = descriptor(fd).Write(data)
	return err
}

// enforcePolicy turns enforcing on again where it was on.
func (b *boot) enforcePolicy() error {
	if b.enforce == 0 {
		return nil
	}
	return failure("write", "selinuxfs's enforce", write(b.enforce, "1"))
}
