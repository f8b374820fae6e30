//go:build linux && stub_zstd

package main

import "github.com/klauspost/compress/zstd"

const codec = "zstd"

// newDecoder returns a decoder that works in the goroutine that reads from it:
// the workers are the parallelism.
func newDecoder() decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
	if err != nil {
		panic(err) // the options are constant
	}
	return d
}
