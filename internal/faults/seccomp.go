//go:build linux

package main

import (
	"os"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// install sets a seccomp filter on this thread. The filter notifies the supervisor of each system
// call that may have to fail. install returns the descriptor of the notifications, or -1 if there
// are no faults.
func install(faults []fault, old bool) (int, error) {
	const load, jumpEqual, jumpFrom, end = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	filter := []unix.SockFilter{{Code: load, K: 0}} // seccomp_data.nr
	if old {
		// Calls have been numbered in the order of their coming. Linux 3.14 came with
		// sched_setattr; from 0xf0000 on arm has calls of its own.
		filter = append(filter,
			unix.SockFilter{Code: jumpFrom, Jt: 2, K: 0xf0000},
			unix.SockFilter{Code: jumpFrom, Jf: 1, K: unix.SYS_SCHED_SETATTR},
			unix.SockFilter{Code: end, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)})
	}
	for _, f := range faults {
		filter = append(filter,
			unix.SockFilter{Code: jumpEqual, Jf: 1, K: uint32(f.number)},
			unix.SockFilter{Code: end, K: unix.SECCOMP_RET_USER_NOTIF})
	}
	filter = append(filter, unix.SockFilter{Code: end, K: unix.SECCOMP_RET_ALLOW})
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	var flags uintptr
	if len(faults) > 0 {
		flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER
	}
	fd, _, e := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&program)))
	if e != 0 {
		return -1, os.NewSyscallError("seccomp", e)
	}
	if flags == 0 {
		return -1, nil
	}
	return int(fd), nil
}

// pretendOld makes uname(2) report 2.6: on 32-bit machines Go's runtime decides by the version
// whether the kernel has calls with 64-bit times. The runtime of this program has decided
// already, so the program starts itself again.
func pretendOld() error {
	const ask, uname26 = 0xffffffff, 0x0020000
	if now, _, _ := unix.Syscall(unix.SYS_PERSONALITY, ask, 0, 0); now&uname26 != 0 {
		return nil
	}
	if _, _, e := unix.Syscall(unix.SYS_PERSONALITY, uname26, 0, 0); e != 0 {
		return os.NewSyscallError("personality", e)
	}
	return unix.Exec(os.Args[0], os.Args, os.Environ())
}

const superviseWord = "supervise"

// startSupervisor starts this program once more, before there is a filter, and
// returns what sends it the descriptor to listen on.
func startSupervisor(self string) (send func(int) error, err error) {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socketpair", err)
	}
	_, err = syscall.ForkExec(self, []string{self, superviseWord}, &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{0, 1, 2, uintptr(pair[1])},
	})
	return func(listener int) error {
		return os.NewSyscallError("sendmsg", unix.Sendmsg(pair[0], []byte{0}, unix.UnixRights(listener), nil, 0))
	}, err
}

// notification and response are struct seccomp_notif and seccomp_notif_resp.
type notification struct {
	id         uint64
	pid, flags uint32
	nr         int32
	arch       uint32
	ip         uint64
	args       [6]uint64
}

type response struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

// supervise answers until the machine ends.
func supervise(faults []fault) error {
	control := make([]byte, unix.CmsgSpace(4))
	if _, _, _, _, err := unix.Recvmsg(3, make([]byte, 1), control, 0); err != nil {
		return os.NewSyscallError("recvmsg", err)
	}
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		return err
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return err
	}
	for {
		var n notification
		if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fds[0]), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&n))); e != 0 {
			if e == unix.EINTR || e == unix.ENOENT { // the caller is gone
				continue
			}
			return os.NewSyscallError("receive a notification", e)
		}
		r := response{id: n.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		for _, f := range faults {
			if f.hits(&n) {
				r.errno, r.flags = -int32(f.errno), 0
			}
		}
		unix.Syscall(unix.SYS_IOCTL, uintptr(fds[0]), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&r)))
	}
}

func (f *fault) hits(n *notification) bool {
	if uintptr(n.nr) != f.number || n.args[f.flags]&uint64(f.flag) != uint64(f.flag) {
		return false
	}
	if f.path == "" {
		return true
	}
	text := make([]byte, 4096)
	at := uintptr(n.args[f.word])
	rest := len(text) - int(at)&(len(text)-1) // of the page: the next may not be there
	local := []unix.Iovec{{Base: &text[0]}}
	local[0].SetLen(len(text))
	read, err := unix.ProcessVMReadv(int(n.pid), local, []unix.RemoteIovec{{Base: at, Len: rest}, {Base: at + uintptr(rest), Len: len(text) - rest}}, 0)
	if err != nil {
		return false
	}
	got, _, _ := strings.Cut(string(text[:read]), "\x00")
	return got == f.path
}
