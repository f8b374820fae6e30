package cpio

// HeaderSize is the length of the fixed part of an entry: the magic and the fields.
const HeaderSize = headerSize

// Fields is the fixed part of an entry as stored in an archive. Only its digits have been
// checked. [Reader] is for archives that must be valid. A reader that is as tolerant as the
// kernel starts from Fields.
type Fields struct {
	Header          // without its Name
	NameSize uint32 // bytes of the name with its NUL, and with any that follow it
	Summed   bool   // magic 070702: Sum is the sum of the body's bytes
	Sum      uint32
}

// ParseFields reads the fixed part of an entry from b, which has HeaderSize bytes or more. It
// returns the fault, or "".
func ParseFields(b []byte) (f Fields, msg string) {
	m := string(b[:len(magic)])
	if m != magic && m != magicCRC {
		return f, "bad magic"
	}
	var v [13]uint32
	for i := range v {
		n, ok := parseHex(b[len(magic)+8*i:][:8])
		if !ok {
			return f, "bad hexadecimal digit in header"
		}
		v[i] = n
	}
	f.Header = Header{
		Ino: v[0], Mode: v[1], UID: v[2], GID: v[3], Nlink: v[4], MTime: int64(v[5]), Size: int64(v[6]),
		DevMajor: v[7], DevMinor: v[8], RdevMajor: v[9], RdevMinor: v[10],
	}
	f.NameSize, f.Summed, f.Sum = v[11], m == magicCRC, v[12]
	return f, ""
}

// hexDigits holds the value of each digit, with a bit set that marks digits.
var hexDigits = [256]uint8{
	'0': 0x10, '1': 0x11, '2': 0x12, '3': 0x13, '4': 0x14, '5': 0x15, '6': 0x16, '7': 0x17, '8': 0x18, '9': 0x19,
	'A': 0x1a, 'B': 0x1b, 'C': 0x1c, 'D': 0x1d, 'E': 0x1e, 'F': 0x1f,
	'a': 0x1a, 'b': 0x1b, 'c': 0x1c, 'd': 0x1d, 'e': 0x1e, 'f': 0x1f,
}

func parseHex(b []byte) (v uint32, ok bool) {
	all := uint8(0x10)
	for _, c := range b {
		d := hexDigits[c]
		all &= d
		v = v<<4 | uint32(d&0xf)
	}
	return v, all != 0
}
