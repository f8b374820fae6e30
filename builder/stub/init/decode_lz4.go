//go:build linux && stub_lz4

package main

import (
	"io"

	"github.com/mkinitfs/mkinitfs/compress/lz4"
)

const codec = "lz4"

func newDecoder() decoder { return new(lz4Decoder) }

type lz4Decoder struct {
	lz4.Decoder
	summed
	chunk
}

func (d *lz4Decoder) Next() ([]byte, error) { return d.next(&d.Decoder) }

func (d *lz4Decoder) Reset(r io.Reader) error {
	d.summed = summed{r: r}
	return d.Decoder.Reset(&d.summed)
}
