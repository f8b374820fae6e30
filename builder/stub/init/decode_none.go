//go:build linux && !stub_gzip && !stub_lz4 && !stub_xz && !stub_zstd

package main

import "io"

const codec = "none"

// newDecoder returns a decoder that passes on a raw archive. A member that did not fit on
// rootfs still has its full size, and reads as zeros: its sum shows that.
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
