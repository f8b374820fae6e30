package manifests

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// mode reads permission bits under key into dst, and warns of likely mistakes.
func (o *object) mode(key string, dst *uint32) bool {
	if !setGiven(o, key, dst, parseMode) {
		return false
	}
	n := o.get(key)
	if granted, owner := *dst>>3|*dst, *dst>>6; granted&^owner&0o7 != 0 {
		o.warn(n.pos, advise(octalOf(n.text), "%s %s: group or others may do what the owner may not", key, quote(n.text)))
	}
	return true
}

// someMode is mode for bits that are nil when they are not given.
func (o *object) someMode(key string, dst **uint32) {
	var mode uint32
	if o.mode(key, &mode) {
		*dst = &mode
	}
}

// parseMode reads permission bits. The digits are always octal: 755, 0755 and 0o755 are the
// same.
func parseMode(text string) (uint32, error) {
	digits := strings.TrimPrefix(text, "0o")
	if digits == "" || strings.Trim(digits, "0123456789") != "" {
		return 0, errors.New("want octal digits, as in 0755")
	}
	mode, err := strconv.ParseUint(digits, 8, 64)
	if errors.Is(err, strconv.ErrSyntax) {
		return 0, advise(octalOf(text), "modes are octal: there is no 8 and no 9")
	}
	if err != nil || mode > 0o7777 {
		return 0, advise(octalOf(text), "more than 07777")
	}
	return uint32(mode), nil
}

// octalOf returns a hint for a mode in decimal, as in JSON, in Ansible and in the stat
// functions of other languages. It returns "" if the mode makes no sense in decimal.
func octalOf(text string) string {
	mode, err := strconv.ParseUint(text, 10, 32)
	if err != nil || mode > 0o7777 || strings.HasPrefix(text, "0") {
		return ""
	}
	if owner := mode >> 6; (mode>>3|mode)&^owner&0o7 != 0 || owner&0o7 == 0 {
		return ""
	}
	return fmt.Sprintf("did you mean %04o?", mode)
}
