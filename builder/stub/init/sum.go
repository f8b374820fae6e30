//go:build linux && !stub_gzip && !stub_xz && !stub_zstd

package main

import (
	"hash/crc32"
	"io"
)

// summed sums up what is read through it, for the codecs that have no check of
// their own.
type summed struct {
	r   io.Reader
	sum uint32
}

func (s *summed) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	s.sum = crc32.Update(s.sum, crc32.IEEETable, p[:n])
	return n, err
}

func (s *summed) Sum32() uint32 { return s.sum }
