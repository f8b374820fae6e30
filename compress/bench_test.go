package compress

import (
	"bufio"
	"bytes"
	"io"
	"testing"
)

func BenchmarkEncode(b *testing.B) {
	data := mixed(8 << 20)
	for _, c := range packed() {
		b.Run(c.Name, func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			var n int
			for b.Loop() {
				n = len(encode(b, c, data, Options{Size: int64(len(data))}))
			}
			b.ReportMetric(100*float64(n)/float64(len(data)), "%")
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	data := mixed(8 << 20)
	for _, c := range packed() {
		b.Run(c.Name, func(b *testing.B) {
			z := encode(b, c, data, Options{Size: int64(len(data))})
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				d, err := c.NewReader(bufio.NewReader(bytes.NewReader(z)))
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, d); err != nil {
					b.Fatal(err)
				}
				d.Close()
			}
		})
	}
}
