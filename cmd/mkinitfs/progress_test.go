package main

import "testing"

func TestProgressLine(t *testing.T) {
	for _, test := range []struct {
		done, total int64
		width       int
		want        string
	}{
		{0, 2048, 30, "[            ]   0% of 2.0 KiB"},
		{1024, 2048, 30, "[======      ]  50% of 2.0 KiB"},
		{2047, 2048, 30, "[=========== ]  99% of 2.0 KiB"},
		{2048, 2048, 23, "[=====] 100% of 2.0 KiB"},
		{2048, 2048, 22, "100% of 2.0 KiB"},
		{2048, 2048, 4, "100%"},
		{2048, 2048, 0, ""},
		{1 << 40, 1 << 41, 20, " 50% of 2097152.0 MiB"[:20]},
		{0, 0, 30, "[                ]   0% of 0 B"},
	} {
		if got := progressLine(test.done, test.total, test.width); got != test.want {
			t.Errorf("%d of %d in %d columns: got %q, want %q", test.done, test.total, test.width, got, test.want)
		}
	}
}
