package manifests

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// The functions here read one value each from its text. Their errors name the fault. The
// caller adds the key, the value and the place.

func parseBool(text string) (bool, error) {
	switch text {
	case "true", "True", "TRUE":
		return true, nil
	case "false", "False", "FALSE":
		return false, nil
	}
	return false, errors.New("want true or false")
}

// parseText reads text for a C string. A NUL is an error.
func parseText(text string) (string, error) {
	if strings.Contains(text, "\x00") {
		return "", errors.New("NUL in it")
	}
	return text, nil
}

// parseWord is parseText for text that must not be empty.
func parseWord(text string) (string, error) {
	if text == "" {
		return "", errEmpty
	}
	return parseText(text)
}

var errEmpty = errors.New("empty")

// parseRaw reads the content of a file. Any text is allowed.
func parseRaw(text string) (string, error) { return text, nil }

// parseName reads a name that may become a part of a file name.
func parseName(text string) (string, error) {
	for i, c := range text {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || !strings.ContainsRune("._+-", c)) {
			return "", errors.New("want letters, digits and . _ + -, a letter or digit first")
		}
	}
	return parseWord(text)
}

// ParseSize reads a number of bytes, at least 1: 4096, 64m, 5.3MiB. All units
// are powers of 1024, as they are for tmpfs and dd.
func ParseSize(text string) (int64, error) {
	number := strings.TrimRight(text, "kKmMgGiB")
	unit := text[len(number):]
	whole, fraction, dotted := strings.Cut(number, ".")
	if whole == "" || strings.Trim(whole+fraction, "0123456789") != "" || dotted && fraction == "" {
		return 0, errors.New("want a size, as in 4096, 64M or 5.3MiB")
	}
	shift, ok := map[string]int{
		"": 0, "k": 10, "m": 20, "g": 30, "K": 10, "M": 20, "G": 30, "KiB": 10, "MiB": 20, "GiB": 30,
	}[unit]
	if !ok {
		return 0, fmt.Errorf("unknown unit %q, want K, M, G, KiB, MiB or GiB (all powers of 1024)", unit)
	}
	if n, err := strconv.ParseInt(number, 10, 64); err == nil && n <= math.MaxInt64>>shift {
		if n == 0 {
			return 0, errors.New("want more than nothing")
		}
		return n << shift, nil
	}
	bytes, err := strconv.ParseFloat(number, 64)
	bytes *= float64(int64(1) << shift)
	switch {
	case err != nil || bytes >= math.MaxInt64:
		return 0, errors.New("more than 63 bits can hold")
	case bytes < 1:
		return 0, errors.New("want more than nothing")
	}
	return int64(bytes), nil
}

// parseRootSize reads the size of a tmpfs: auto, bytes, or a percentage of the RAM.
func parseRootSize(text string) (Size, error) {
	if text == "auto" {
		return Size{}, nil
	}
	if digits, ok := strings.CutSuffix(text, "%"); ok {
		percent, err := strconv.ParseUint(digits, 10, 16)
		if err != nil || percent < 1 || percent > 100 {
			return Size{}, errors.New("want 1% to 100%")
		}
		return Size{Percent: int(percent)}, nil
	}
	bytes, err := ParseSize(text)
	return Size{Bytes: bytes}, err
}

func parseInodes(text string) (int64, error) {
	if text == "auto" {
		return 0, nil
	}
	inodes, err := strconv.ParseInt(text, 10, 64)
	if err != nil || inodes < 1 {
		return 0, errors.New("want auto or a number, 1 at least")
	}
	return inodes, nil
}

// parseOwner reads USER, USER:GROUP or :GROUP, each an id or a name. root is 0.
func parseOwner(text string) (Owner, error) {
	user, group, both := strings.Cut(text, ":")
	var owner Owner
	var err error
	if user != "" || !both {
		if owner.UID, owner.User, err = parseOwnerPart(user); err != nil {
			return Owner{}, err
		}
	}
	if both {
		if owner.GID, owner.Group, err = parseOwnerPart(group); err != nil {
			return Owner{}, err
		}
	}
	return owner, nil
}

// parseSourceOwner is parseOwner for files of the host, which can keep their owner.
func parseSourceOwner(text string) (Owner, error) {
	if text == "keep" {
		return Owner{Keep: true}, nil
	}
	return parseOwner(text)
}

// parseOwnerPart reads an id or a name of a user or group.
func parseOwnerPart(text string) (id *uint32, name string, err error) {
	switch {
	case text == "root":
		return new(uint32), "", nil
	case text == "keep":
		return nil, "", errors.New("only what comes from the host's files can keep its owner")
	case isDigits(text):
		id, err = parseID(text)
		return id, "", err
	}
	if name, err = parseAccount(text); err != nil {
		err = errors.New("want names or ids of the root, as in app, 22 or app:22")
	}
	return nil, name, err
}

func parseID(text string) (*uint32, error) {
	id, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return nil, errors.New("ids end at 4294967295")
	}
	short := uint32(id)
	return &short, nil
}

func isDigits(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// parseAccount reads the name of a user or group, as useradd(8) takes it.
func parseAccount(text string) (string, error) {
	name := strings.TrimSuffix(text, "$")
	if name == "" {
		return "", errEmpty
	}
	for i, c := range name {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_'
		if !letter && (i == 0 || !(c >= '0' && c <= '9' || c == '-' || c == '.')) {
			return "", errors.New("want letters, digits and . _ -, a letter or _ first")
		}
	}
	if len(text) > 32 {
		return "", errors.New("longer than 32 bytes")
	}
	return text, nil
}

// parseMTime reads a point in time, in RFC 3339 or in seconds since the epoch.
func parseMTime(text string) (MTime, error) {
	when, err := time.Parse(time.RFC3339, text)
	if seconds, numeric := strconv.ParseInt(text, 10, 64); numeric == nil {
		when, err = time.Unix(seconds, 0), nil
	}
	switch {
	case text == "keep" || text == "clamp":
		return MTime{}, errors.New("only what comes from the host's files has a time of its own")
	case err != nil:
		return MTime{}, errors.New("want a time, as in 2024-01-31T12:00:00Z or in seconds since 1970")
	case when.Unix() < 0 || when.Unix() > math.MaxUint32:
		return MTime{}, errors.New("newc holds 1970-01-01 to 2106-02-07")
	case when.Nanosecond() != 0:
		return MTime{}, errors.New("newc holds whole seconds")
	}
	return MTime{Rule: MTimeSet, Time: when.UTC()}, nil
}

// parseSourceMTime is parseMTime for files of the host, which can keep their time.
func parseSourceMTime(text string) (MTime, error) {
	switch text {
	case "keep":
		return MTime{Rule: MTimeKeep}, nil
	case "clamp":
		return MTime{Rule: MTimeClamp}, nil
	}
	return parseMTime(text)
}

// parseDelay reads how long to wait before a program is started again.
func parseDelay(text string) (time.Duration, error) {
	delay, err := time.ParseDuration(text)
	switch {
	case err != nil:
		return 0, errors.New("want a time, as in 500ms or 2s")
	case delay < 10*time.Millisecond || delay > time.Minute:
		return 0, errors.New("want 10ms to 1m")
	}
	return delay, nil
}

// parseDevice reads major:minor. The kernel's dev_t has 12 and 20 bits for
// them (MINORBITS in include/linux/kdev_t.h).
func parseDevice(text string) (Device, error) {
	first, second, ok := strings.Cut(text, ":")
	major, err1 := strconv.ParseUint(first, 10, 64)
	minor, err2 := strconv.ParseUint(second, 10, 64)
	if !ok || err1 != nil || err2 != nil {
		return Device{}, errors.New("want major:minor, as in 5:1")
	}
	if major >= 1<<12 || minor >= 1<<20 {
		return Device{}, errors.New("majors end at 4095 and minors at 1048575")
	}
	return Device{uint32(major), uint32(minor)}, nil
}
