package report

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Parse finds the report with nonce in the output of a serial port, and reads it. Carriage
// returns do not matter. It returns an error if there is no report, if it is incomplete or if
// the guest met a problem.
func Parse(serial []byte, nonce string) (*Report, error) {
	serial = bytes.ReplaceAll(serial, []byte{'\r'}, nil)
	_, text, found := bytes.Cut(serial, []byte("\n"+begin+" "+nonce+"\n"))
	if !found {
		return nil, fmt.Errorf("no report with nonce %q", nonce)
	}
	// The end mark may follow something that was cut short.
	text, tail, found := bytes.Cut(text, []byte(end+" "+nonce+" "))
	if !found {
		return nil, errors.New("the report has no end")
	}
	tail, _, _ = bytes.Cut(tail, []byte("\n"))
	want := fmt.Sprintf("%d %08x", bytes.Count(text, []byte("\n")), crc32.ChecksumIEEE(text))
	if string(tail) != want {
		return nil, fmt.Errorf("the report is garbled: %q stands at its end, it has %q", tail, want)
	}

	r := &Report{Nonce: nonce}
	for line := range strings.Lines(string(text)) {
		if err := r.parseLine(strings.TrimSuffix(line, "\n")); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(r.Entries, byPath)
	return r, nil
}

func (r *Report) parseLine(line string) error {
	words, err := split(line)
	if err != nil {
		return err
	}
	w := reader{words: words}
	switch kind := w.string(); kind {
	case "entry":
		e := Entry{Path: w.string(), Mode: uint32(w.uint(8, 32)), UID: w.uint32(), GID: w.uint32(), Nlink: w.uint(10, 64), Ino: w.uint(10, 64)}
		seconds, nanos, _ := strings.Cut(w.string(), ".")
		mtime := reader{words: []string{seconds, "1" + nanos}}
		e.MTime = mtime.int()
		if nanos != "" {
			e.Nanos = mtime.int() - 1e9
		}
		e.Size, e.Blocks, e.Major, e.Minor = w.int(), w.int(), w.uint32(), w.uint32()
		e.Target, e.SHA256 = w.string(), w.string()
		r.Entries = append(r.Entries, e)
		err = mtime.err
	case "xattr":
		if len(r.Entries) == 0 {
			return fmt.Errorf("no entry before: %q", line)
		}
		e := &r.Entries[len(r.Entries)-1]
		if e.Xattrs == nil {
			e.Xattrs = map[string]string{}
		}
		name := w.string()
		e.Xattrs[name] = w.string()
	case "mount":
		r.Mounts = append(r.Mounts, Mount{int(w.int()), int(w.int()), w.string(), w.string(), w.string(), w.string(), w.string(), w.string()})
	case "file":
		r.Files = append(r.Files, File{int(w.int()), int(w.int()), w.string()})
	case "arg":
		r.Args = append(r.Args, w.string())
	case "env":
		r.Env = append(r.Env, w.string())
	case "uptime":
		r.Uptime, err = time.ParseDuration(w.string())
	case "memory":
		r.Total, r.Free = w.int(), w.int()
	case "raw":
		r.Raw = append(r.Raw, Raw{w.string(), w.string()})
	case "pivot":
		r.Pivot = w.string()
	case "beneath":
		r.Beneath = append(r.Beneath, w.string())
	case "beneath-write":
		r.BeneathWrite = w.string()
	case "problem":
		return fmt.Errorf("the guest met a problem: %s", w.string())
	default:
		return fmt.Errorf("unknown kind of line: %q", line)
	}
	if len(w.words) > 0 {
		return fmt.Errorf("too many words: %q", line)
	}
	if err := cmp.Or(err, w.err); err != nil {
		return fmt.Errorf("%w: %q", err, line)
	}
	return nil
}

// split returns the words of a line, unquoted.
func split(line string) ([]string, error) {
	var words []string
	for line != "" {
		if line[0] != '"' {
			word, rest, _ := strings.Cut(line, " ")
			words, line = append(words, word), rest
			continue
		}
		quoted, err := strconv.QuotedPrefix(line)
		if err != nil {
			return nil, err
		}
		word, err := strconv.Unquote(quoted)
		if err != nil {
			return nil, err
		}
		words, line = append(words, word), strings.TrimPrefix(line[len(quoted):], " ")
	}
	return words, nil
}

// reader takes one word after the other and keeps the first error.
type reader struct {
	words []string
	err   error
}

func (r *reader) string() string {
	if len(r.words) == 0 {
		r.err = cmp.Or(r.err, errors.New("too few words"))
		return ""
	}
	word := r.words[0]
	r.words = r.words[1:]
	return word
}

func (r *reader) uint(base, bits int) uint64 {
	n, err := strconv.ParseUint(r.string(), base, bits)
	r.err = cmp.Or(r.err, err)
	return n
}

func (r *reader) uint32() uint32 { return uint32(r.uint(10, 32)) }

func (r *reader) int() int64 {
	n, err := strconv.ParseInt(r.string(), 10, 64)
	r.err = cmp.Or(r.err, err)
	return n
}
