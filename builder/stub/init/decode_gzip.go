//go:build linux && stub_gzip

package main

import "github.com/mkinitfs/mkinitfs/compress/gzip"

const codec = "gzip"

func newDecoder() decoder { return new(gzip.Decoder) }
