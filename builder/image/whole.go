package image

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// whole compares an image of ours with its boot plan. Counts and sizes are always compared,
// sums of members only if sums is set. If the image is a file, other cores compute the sums
// during the walk.
type whole struct {
	sums bool
	only string // the one member whose sums are taken, "" for all

	file    *imageFile
	members []*memberSeen
	entries int64           // of members
	root    int64           // entries in segments that are of the root
	once    map[string]bool // files that no member has, and that were not seen
	xattrs  bool            // there is a table of extended attributes
	group   sync.WaitGroup
	slots   chan struct{} // a token for every file that is read at once
}

// memberSeen is a member as it is in the image.
type memberSeen struct {
	whole    *whole
	name     string
	packed   int64
	unpacked int64 // -1 if nobody looked
	sha      string
	crc      string
	err      error // of reading it
	along    hash.Hash
	alongCRC hash.Hash32
}

func (w *whole) begin(f *imageFile) {
	w.file, w.slots = f, make(chan struct{}, streams())
}

// stop waits for the sums that are being taken.
func (w *whole) stop() { w.group.Wait() }

// count counts an entry if it is part of the root.
func (w *whole) count(e *Entry) {
	if e.Member != "" {
		w.entries++
		return
	}
	if len(w.once) > 0 {
		delete(w.once, e.Path())
	}
	if !strings.HasSuffix(e.Name, "init") && !strings.Contains(e.Name, bootplan.Dir) {
		w.root++ // as nearly all are
		return
	}
	switch name, _ := e.relative(); {
	case name == bootplan.Init, strings.HasPrefix(name, bootplan.Dir+"/rdinit."): // these are put back
		w.root++
	case name == bootplan.Xattrs:
		w.xattrs = true
	case name == "init", name == bootplan.Dir, strings.HasPrefix(name, bootplan.Dir+"/"):
	default:
		w.root++
	}
}

func (w *whole) wants(m *memberSeen) bool { return w.sums && (w.only == "" || w.only == m.name) }

func (w *whole) member(name string, size int64) *memberSeen {
	m := &memberSeen{whole: w, name: name, packed: size, unpacked: -1}
	w.members = append(w.members, m)
	return m
}

// sumFile computes the sums of a member that the image holds as it is.
func (m *memberSeen) sumFile(at, size int64) {
	w := m.whole
	if !w.wants(m) {
		return
	}
	w.group.Add(1)
	go func() {
		defer w.group.Done()
		w.slots <- struct{}{}
		defer func() { <-w.slots }()
		sha, crc := sha256.New(), crc32.NewIEEE()
		in := io.NewSectionReader(w.file, w.file.begin+at, size)
		_, m.err = io.CopyBuffer(io.MultiWriter(sha, crc), struct{ io.Reader }{in}, make([]byte, 128<<10))
		m.sha, m.crc = sumText(sha), sumText(crc)
	}()
}

// sumAlong computes the sums of a member while its body r is read.
func (m *memberSeen) sumAlong(r io.Reader) io.Reader {
	if !m.whole.wants(m) {
		return r
	}
	m.along, m.alongCRC = sha256.New(), crc32.NewIEEE()
	return io.TeeReader(r, io.MultiWriter(m.along, m.alongCRC))
}

func sumText(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil)) }

// compare returns an error that names the differences between the image and its boot plan, or
// nil. cut means that the image ends in the middle of an entry.
func (w *whole) compare(text []byte, cut bool) error {
	w.stop()
	if text == nil {
		if len(w.members) > 0 {
			return errors.New("not whole: it has members of a root, but the boot plan is missing")
		}
		return nil
	}
	p, err := bootplan.Parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", bootplan.Path, err)
	}
	for i, want := range p.Members {
		name := strings.TrimPrefix(bootplan.MemberName(i), bootplan.Dir+"/")
		if i >= len(w.members) || w.members[i].name != name {
			return fmt.Errorf("not whole: %s is missing, the boot plan has %d members and the image %d", name, len(p.Members), len(w.members))
		}
		if err := inMember(w.members[i], w.members[i].compare(&want)); err != nil {
			return err
		}
	}
	if extra := len(w.members) - len(p.Members); extra > 0 {
		return fmt.Errorf("%s is not in the boot plan, which has %d members", w.members[len(p.Members)].name, len(p.Members))
	}
	if p.Xattrs != "" && !w.xattrs {
		return fmt.Errorf("not whole: %s is missing, the boot plan has extended attributes", bootplan.Xattrs)
	}
	if cut {
		return errors.New("not whole: it ends in the middle of an entry")
	}
	unseen := slices.ContainsFunc(w.members, func(m *memberSeen) bool { return m.unpacked < 0 })
	switch {
	case len(p.Members) > 0 && w.entries != p.Entries-int64(len(p.Once)) && !unseen:
		return fmt.Errorf("not whole: the boot plan has %d entries, the members %d", p.Entries-int64(len(p.Once)), w.entries)
	case len(w.once) > 0:
		return fmt.Errorf("not whole: %s is missing", slices.Sorted(maps.Keys(w.once))[0])
	case len(p.Members) == 0 && w.root < p.Entries: // more may have been appended
		return fmt.Errorf("not whole: the boot plan has %d entries, the image %d", p.Entries, w.root)
	}
	return nil
}

// compareOnly compares the only member with sums, if the walk has ended before the end of the
// image.
func (w *whole) compareOnly(text []byte) error {
	w.stop()
	p, err := bootplan.Parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", bootplan.Path, err)
	}
	for i, m := range w.members {
		if m.name == w.only && i < len(p.Members) {
			return inMember(m, m.compare(&p.Members[i]))
		}
	}
	return nil
}

// inMember puts the name of a member in front of an error.
func inMember(m *memberSeen, err error) error {
	if err != nil {
		err = fmt.Errorf("%s: %w", m.name, err)
	}
	return err
}

func (m *memberSeen) compare(want *bootplan.Member) error {
	if m.along != nil {
		m.sha, m.crc = sumText(m.along), sumText(m.alongCRC)
	}
	switch {
	case m.packed != want.Packed:
		return fmt.Errorf("%d bytes, the boot plan has %d: it is another one", m.packed, want.Packed)
	case m.unpacked >= 0 && m.unpacked != want.Unpacked:
		return fmt.Errorf("unpacks to %d bytes, the boot plan has %d: it is another one", m.unpacked, want.Unpacked)
	case m.err != nil:
		return m.err
	case m.sha != "" && m.sha != want.SHA256:
		return errors.New("its SHA-256 is not that of the boot plan: it is damaged, or another one")
	case m.crc != "" && want.CRC32 != "" && m.crc != want.CRC32:
		return errors.New("its CRC-32 is not that of the boot plan: it is damaged, or another one")
	}
	return nil
}
