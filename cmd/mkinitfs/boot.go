package main

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/mkinitfs/mkinitfs/builder/image"
	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/manifests"
)

func bootCommand() *cobra.Command {
	var m qemu.Machine
	var expect, memory string
	cmd := &cobra.Command{
		Use:   "boot IMAGE --kernel KERNEL",
		Short: "Boot an image in QEMU",
		Long: "Boot an image in QEMU and show its console.\n\n" +
			"With --expect the boot is good once a line matches; else it is good if the guest\n" +
			"powers off or reboots without a panic. QEMU runs with KVM where that starts\n" +
			"the kernel; --no-kvm is for machines where KVM then fails.",
		Args: exactly(1, "one image"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if m.Kernel == "" {
				return usageError{errors.New("boot needs --kernel FILE, a kernel for the image's architecture\n" +
					"  for Debian's, run internal/testenv/kernel.sh ARCH in mkinitfs's source: it prints where it has put one")}
			}
			if memory != "" {
				mib, err := parseMemory(memory)
				if err != nil {
					return usageError{fmt.Errorf("--memory %q: %w", memory, err)}
				}
				m.MemoryMiB = mib
			}
			if m.CPUs < 1 {
				return usageError{fmt.Errorf("--cpus %d: want 1 or more", m.CPUs)}
			}
			if m.Timeout <= 0 {
				return usageError{fmt.Errorf("--timeout %s: want more than 0", m.Timeout)}
			}
			if expect != "" {
				re, err := regexp.Compile(expect)
				if err != nil {
					return usageError{fmt.Errorf("--expect: %w", err)}
				}
				m.Expect = re
			}
			if err := notKernel(m.Kernel); err != nil {
				return err
			}
			in, copied, err := openBare(cmd.InOrStdin(), cmd.ErrOrStderr(), args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			if m.Image, _ = image.SplitChoice(args[0]); copied {
				m.Image = fmt.Sprintf("/proc/%d/fd/%d", os.Getpid(), in.Fd()) // the copy has no path of its own
			}
			m.Console = cmd.OutOrStdout()
			if m.Arch == "" {
				if m.Arch, err = imageArch(m.Image, args[0]); err != nil {
					return err
				}
			}
			if err := warnRdinit(cmd.ErrOrStderr(), m.Image, args[0], m.Append); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			warnMemory(cmd.ErrOrStderr(), m, args[0])
			result, err := m.Boot(cmd.Context())
			if err != nil {
				return err
			}
			if err := result.Err(); err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&m.Kernel, "kernel", "", "boot the kernel in `FILE`")
	flags.StringVar(&m.Arch, "arch", "", "boot a machine of `ARCH` (default: the image's)")
	flags.StringVar(&m.Append, "append", "", "add `WORDS` to the kernel's command line")
	flags.StringVar(&memory, "memory", "", "give the machine `SIZE` of RAM, a plain number being MiB (default 256)")
	flags.IntVar(&m.CPUs, "cpus", 1, "give the machine `N` CPUs")
	flags.DurationVar(&m.Timeout, "timeout", qemu.DefaultTimeout, "stop after `DURATION`")
	flags.BoolVar(&m.NoKVM, "no-kvm", false, "emulate the machine even where KVM works")
	flags.StringVar(&expect, "expect", "", "stop, successfully, at the first line that matches `REGEXP`")
	return cmd
}

// parseMemory reads MiB, or a size as in a manifest, of which it takes whole MiB.
func parseMemory(text string) (int, error) {
	if text != "" && strings.Trim(text, "0123456789") == "" {
		n, err := strconv.ParseInt(text, 10, 31)
		if err != nil || n == 0 {
			err = errors.New("a plain number is MiB, want 1 to 2147483647")
		}
		return int(n), err
	}
	bytes, err := manifests.ParseSize(text)
	if err == nil && bytes < 1<<20 {
		err = errors.New("want at least 1 MiB")
	}
	return int(bytes >> 20), err
}

// imageArch returns the architecture of the image in a file, called name in messages.
func imageArch(file, name string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	arch, err := image.Arch(f)
	if errors.Is(err, image.ErrNoArch) {
		return "", fmt.Errorf("%s: %w\n  add --arch ARCH, the architecture of the machine", name, err)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return arch, nil
}
