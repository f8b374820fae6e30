//go:build linux && !stub_gzip && !stub_zstd

package main

import (
	"hash/crc32"
	"io"
)

const codec = "none"

func newDecoder() decoder { return &rawDecoder{} }

// rawDecoder passes a raw archive on and sums it up: a member that rootfs had no
// room for has its full size all the same, and reads as zeros.
type rawDecoder struct {
	r   io.Reader
	sum uint32
}

func (d *rawDecoder) Reset(r io.Reader) error {
	d.r, d.sum = r, 0
	return nil
}

func (d *rawDecoder) Read(p []byte) (int, error) {
	n, err := d.r.Read(p)
	d.sum = crc32.Update(d.sum, crc32.IEEETable, p[:n])
	return n, err
}

func (d *rawDecoder) Sum32() uint32 { return d.sum }
