package compress

import "slices"

// Note is a property of one stream beyond its codec: a condition for kernels to accept the
// stream, or a risk of it. A stream without notes is unpacked as intended by every kernel with
// the codec.
type Note struct {
	Code  string // one of the constants below; stable
	Words string // lower case, without the codec's name: "x86 filter: only kernels with CONFIG_XZ_DEC_X86 take it"
}

// The codes of notes.
const (
	NoteConfig    = "config"    // only kernels that were built with an option take the stream
	NoteVersion   = "version"   // only kernels from a release on take it
	NoteRefused   = "refused"   // no kernel takes it
	NoteUnchecked = "unchecked" // it has no check, so damage to it goes unseen
	NoteMemory    = "memory"    // it makes the kernel allocate much while memory is scarce
	NoteTail      = "tail"      // a kernel ends the stream earlier and takes the rest for junk
)

// notes collects the notes of one stream, each once.
type notes struct{ all []Note }

func (n *notes) add(code, words string) {
	if note := (Note{code, words}); !slices.Contains(n.all, note) {
		n.all = append(n.all, note)
	}
}

// muchMemory is the window in bytes from which a boot with little RAM may fail. The default
// levels of xz and lzma have 8 MiB. "xz -9" has 64 MiB, and panics on a machine with 128 MiB.
const muchMemory = 8 << 20

func (n *notes) window(size int64) {
	if size > muchMemory {
		n.add(NoteMemory, "window of "+mib(size)+": the kernel allocates it while it unpacks")
	}
}

// HasCheck reports whether a stream of a codec has a check that shows damage. notes are those
// of the stream.
func HasCheck(codec string, notes []Note) bool {
	unchecked := slices.ContainsFunc(notes, func(n Note) bool { return n.Code == NoteUnchecked })
	checked := slices.ContainsFunc(codecs, func(c *Codec) bool { return c.Name == codec && c.Checked })
	return checked && !unchecked
}
