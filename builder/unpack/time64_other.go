//go:build linux && (386 || arm)

package unpack

const sysUtimensatTime64 = 412
