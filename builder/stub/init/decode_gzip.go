//go:build linux && stub_gzip

package main

import "github.com/mkinitfs/mkinitfs/builder/stub/gzip"

const codec = "gzip"

func newDecoder() decoder { return new(gzip.Decoder) }
