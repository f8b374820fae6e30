//go:build linux && stub_gzip

package main

import "compress/gzip"

const codec = "gzip"

func newDecoder() decoder { return new(gzipDecoder) }

type gzipDecoder struct {
	gzip.Reader
	chunk
}

func (d *gzipDecoder) Next() ([]byte, error) { return d.next(&d.Reader) }
