//go:build linux && stub_zstd

package main

import "github.com/mkinitfs/mkinitfs/compress/zstd"

const codec = "zstd"

func newDecoder() decoder { return zstd.NewDecoder() }
