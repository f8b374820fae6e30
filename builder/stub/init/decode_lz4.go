//go:build linux && stub_lz4

package main

import (
	"io"

	"github.com/mkinitfs/mkinitfs/builder/stub/lz4"
)

const codec = "lz4"

func newDecoder() decoder { return new(lz4Decoder) }

type lz4Decoder struct {
	lz4.Decoder
	summed
}

func (d *lz4Decoder) Read(p []byte) (int, error) { return d.Decoder.Read(p) }

func (d *lz4Decoder) Reset(r io.Reader) error {
	d.summed = summed{r: r}
	return d.Decoder.Reset(&d.summed)
}
