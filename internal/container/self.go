//go:build linux

package container

import (
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// ownProgram returns a sealed copy of this program in memory. An image can name
// /proc/self/exe as its program, which is mkinitfs then, and could change the mode, owner or
// content of the file that mkinitfs was started from.
func ownProgram() (*os.File, error) {
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		return nil, err
	}
	defer self.Close()
	fd, err := unix.MemfdCreate("mkinitfs", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_EXEC)
	if err == unix.EINVAL { // Linux before 6.3, where every such file is executable
		fd, err = unix.MemfdCreate("mkinitfs", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	program := os.NewFile(uintptr(fd), "mkinitfs")
	if _, err = io.Copy(program, self); err == nil {
		_, err = unix.FcntlInt(program.Fd(), unix.F_ADD_SEALS,
			unix.F_SEAL_SEAL|unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_WRITE)
	}
	if err != nil {
		program.Close()
		return nil, err
	}
	return program, nil
}
