//go:build linux && stub_xz

package main

import "github.com/mkinitfs/mkinitfs/compress/xz"

const codec = "xz"

func newDecoder() decoder { return new(xzDecoder) }

type xzDecoder struct {
	xz.Decoder
	chunk
}

func (d *xzDecoder) Next() ([]byte, error) { return d.next(&d.Decoder) }
