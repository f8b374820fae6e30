package compress

import (
	"encoding/binary"

	"github.com/klauspost/compress/zstd"
)

// Parameters are what the head of a stream says about it.
type Parameters struct {
	Window int64  // bytes of its output that a decoder keeps, 0 if the head does not say
	Check  string // "CRC-32", "none"; "" if the head does not say
	Filter string // of xz, before LZMA2; "" for none
}

// ParametersOf returns the parameters of a stream from its first [HeadSize] bytes or fewer.
func ParametersOf(head []byte) Parameters {
	c := Detect(head)
	if c == nil || c.parameters == nil || len(head) < 16 {
		return Parameters{}
	}
	return c.parameters(head)
}

// always returns the parameters of a codec whose streams all have the same.
func always(window int64, check string) func([]byte) Parameters {
	return func([]byte) Parameters { return Parameters{Window: window, Check: check} }
}

func bzip2Parameters(head []byte) Parameters {
	return Parameters{Window: int64(head[3]-'0') * 100_000, Check: "CRC-32"}
}

func lzmaParameters(head []byte) Parameters {
	return Parameters{Window: int64(binary.LittleEndian.Uint32(head[1:])), Check: "none"}
}

func zstdParameters(head []byte) Parameters {
	var h zstd.Header
	if h.Decode(head) != nil {
		return Parameters{}
	}
	p := Parameters{Window: int64(h.WindowSize), Check: "none"}
	if h.SingleSegment {
		p.Window = int64(h.FrameContentSize)
	}
	if h.HasCheckSum {
		p.Check = "XXH64"
	}
	return p
}

func xzParameters(head []byte) Parameters {
	p := Parameters{Check: map[byte]string{0: "none", 1: "CRC-32", 4: "CRC-64", 10: "SHA-256"}[head[7]&15]}
	block := head[12:]
	if n := xzBlockSize(block[0]); block[0] != 0 && n <= len(block) {
		if k, err := parseXZBlock(block[:n]); err == nil {
			p.Window = k.dictionary
			if k.filter != nil {
				p.Filter = xzFilterName(uint64(k.filter.ID))
			}
		}
	}
	return p
}
