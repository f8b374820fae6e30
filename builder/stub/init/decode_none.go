//go:build linux && !stub_gzip && !stub_lz4 && !stub_xz && !stub_zstd

package main

import "io"

const codec = "none"

// newDecoder returns one that passes a raw archive on. A member that rootfs had no
// room for has its full size all the same, and reads as zeros: the sum tells.
func newDecoder() decoder { return new(rawDecoder) }

type rawDecoder struct {
	summed
	chunk
}

func (d *rawDecoder) Next() ([]byte, error) { return d.next(&d.summed) }

func (d *rawDecoder) Reset(r io.Reader) error {
	d.summed = summed{r: r}
	return nil
}
