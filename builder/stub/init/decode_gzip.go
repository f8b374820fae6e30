//go:build linux && stub_gzip

package main

import "compress/gzip"

const codec = "gzip"

func newDecoder() decoder { return new(gzip.Reader) }
