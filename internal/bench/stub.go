//go:build linux

package main

import (
	"os"

	builderstub "github.com/mkinitfs/mkinitfs/builder/stub"
	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/cache"
)

// stub weighs the stubs beside an empty Go program.
func (b *bench) stub() error {
	floor, err := b.compile("internal/bench/floor")
	if err != nil {
		return err
	}
	least, err := fileSize(floor)
	if err != nil {
		return err
	}
	limits := map[string]float64{"none": 1.30e6, "zstd": 1.75e6}
	for _, codec := range compress.Names() {
		s, err := builderstub.Get(b.ctx, builderstub.Variant{Arch: "amd64", Codec: codec}, builderstub.Options{Cache: cache.Top(os.LookupEnv)})
		if err != nil {
			return err
		}
		b.table.add(row{
			figure: "stub, amd64, payload " + codec, unit: mega, limit: limits[codec],
			ours: one("mkinitfs", float64(len(s.Data))), peers: []series{one("empty Go program", least)},
		})
	}
	return nil
}
