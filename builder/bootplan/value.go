package bootplan

import (
	"strconv"
	"strings"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// ParseUint reads an unsigned number of up to 62 bits. (The errors of strconv cost
// the stub 10 KB.)
func ParseUint(s string, base int64) (n int64, ok bool) {
	for i := 0; i < len(s); i++ {
		digit := int64(s[i]) - '0'
		if digit < 0 || digit >= base || n >= 1<<62/base {
			return 0, false
		}
		n = n*base + digit
	}
	return n, s != ""
}

// parseID reads the number of a user or group.
func parseID(s string) (id uint32, ok bool) {
	n, ok := ParseUint(s, 10)
	return uint32(n), ok && n < 1<<32-1
}

func appendEscaped(b []byte, s string) []byte {
	if s == "" {
		return append(b, `\000`...)
	}
	return escape(b, s)
}

func escape(b []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c == '\\' || c == 0x7f {
			b = append(b, '\\', '0'+c>>6, '0'+c>>3&7, '0'+c&7)
		} else {
			b = append(b, c)
		}
	}
	return b
}

// Unescape undoes the octal escapes of a value, which are those of /proc/mounts.
func Unescape(s string) (string, bool) {
	if s == `\000` {
		return "", true
	}
	return unescape(s)
}

func unescape(s string) (string, bool) {
	if strings.IndexByte(s, '\\') < 0 {
		return s, true
	}
	var b []byte
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b = append(b, s[i])
			continue
		}
		if i+3 >= len(s) {
			return "", false
		}
		c, ok := ParseUint(s[i+1:i+4], 8)
		if !ok || c > 0xff {
			return "", false
		}
		b = append(b, byte(c))
		i += 3
	}
	return string(b), true
}
