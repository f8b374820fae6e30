//go:build linux && (mips || mipsle)

package unpack

// The o32 system call table begins at 4000.
const sysUtimensatTime64 = 4412
