//go:build linux && stub_xz

package main

import "github.com/mkinitfs/mkinitfs/builder/stub/xz"

const codec = "xz"

func newDecoder() decoder { return new(xz.Decoder) }
