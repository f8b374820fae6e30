package image

import (
	"fmt"
	"slices"
	"strings"
)

// Finding names a part of an image that does not arrive as it was written: the kernel skips,
// drops, overwrites or cuts it, or only some kernels accept it.
type Finding struct {
	Code     string
	Severity Severity
	Words    string // what happens, without a subject: "dropped: ..."

	// The first place, and the number of all places.
	Segment int
	Member  string // "root.0003", or "" outside of members
	Offset  int64  // in the image for raw segments, else in what the segment or member unpacks to
	Path    string // as stored, or "" if it is not about one entry
	Count   int
}

// Severity says how the finding affects a boot.
type Severity string

const (
	// Warning: the kernel boots on and says nothing.
	Warning Severity = "warning"
	// Fault: the kernel complains and ignores the rest of the image, or all of it.
	Fault Severity = "error"
)

// String returns the finding as a sentence without a full stop.
func (f *Finding) String() string {
	first := shorten(f.Path)
	switch {
	case f.Path == "" && f.Count > 1:
		return fmt.Sprintf("%d times: %s", f.Count, f.Words)
	case f.Path == "":
		return f.Words
	case f.Count > 1:
		return fmt.Sprintf("%d entries, the first being %s: %s", f.Count, first, f.Words)
	}
	return first + ": " + f.Words
}

// shorten returns enough of a path to find it, in quotes if it could control a terminal.
func shorten(path string) string {
	const most = 100
	if len(path) > most {
		path = path[:most] + "..."
	}
	if quoted := fmt.Sprintf("%q", path); quoted != `"`+path+`"` || strings.TrimSpace(path) == "" {
		return quoted
	}
	return path
}

// rule is a finding without its position: what happens to a part of an image, and how bad that
// is.
type rule struct {
	code     string
	severity Severity
	words    string
}

// The kernel does all this without a word (init/initramfs.c).
var (
	nameEmpty   = &rule{"name-empty", Warning, "dropped: the entry has no name"}
	nameTooLong = &rule{"name-too-long", Warning, "dropped: the kernel takes names of at most 4095 bytes, 255 between two slashes"}
	nameNoFile  = &rule{"name-not-a-file", Warning, "dropped: only a directory can have such a name"}
	targetLong  = &rule{"target-too-long", Warning, "dropped: the kernel takes link targets of at most 4095 bytes"}
	targetEmpty = &rule{"target-empty", Warning, "left out: the kernel makes a symbolic link without a target, which nothing else can"}
	strayBody   = &rule{"stray-body", Warning, "dropped: only regular files and symbolic links may have a content"}
	typeUnknown = &rule{"type-unknown", Warning, "dropped: its mode has no file type, and what was at its path is removed"}
	parentGone  = &rule{"parent-missing", Warning, "the directory that it is in has no entry before it: the kernel drops it unless another archive brings the directory (it is made here)"}
	parentsMany = &rule{"parents-missing", Warning, "dropped: more directories have no entry than any root has directories"}
	parentLost  = &rule{"parent-link-to-nothing", Warning, "dropped: its path leads through a symbolic link to what is not there"}
	parentFile  = &rule{"parent-not-a-directory", Warning, "dropped: its path leads through something that is not a directory"}
	parentLoop  = &rule{"parent-loop", Warning, "dropped: its path leads through more than 40 symbolic links"}
	inTheWay    = &rule{"directory-in-the-way", Warning, "dropped: a directory that is not empty is at its path"}
	overwritten = &rule{"overwritten", Warning, "overwritten by a later entry"}
	numberStays = &rule{"device-number-stays", Warning, "a device node is at its path already, which keeps its number"}
	linkGone    = &rule{"link-target-gone", Warning, "dropped: the file that it is a hard link of is not there any more"}
	linkDiffers = &rule{"link-differs", Warning, "a further name of a file, which gets its mode, owner and time from this entry"}
	bodyCut     = &rule{"cut", Warning, "the image ends in the middle of it"}
	headerCut   = &rule{"cut", Warning, "the image ends in the middle of an entry, which is lost"}
	gzipSum     = &rule{"gzip-sum", Warning, "a gzip stream is damaged: its checksum does not match, at which the kernel does not look"}
	flashTail   = &rule{"flash-tail", Fault, "behind the last archive there is erased flash (0xff), at which the kernel complains"}
)

// Findings are the findings of one image, one for each rule, in the order of their first
// places.
type Findings []Finding

// add adds a finding, or counts it if its rule has one already.
func (f *Findings) add(r *rule, at Finding) {
	for i := range *f {
		if have := &(*f)[i]; have.Code == r.code && have.Words == r.words {
			have.Count++
			return
		}
	}
	at.Code, at.Severity, at.Words, at.Count = r.code, r.severity, r.words, 1
	*f = append(*f, at)
}

// has reports whether there is a finding with the code of r.
func (f Findings) has(r *rule) bool {
	return slices.ContainsFunc(f, func(have Finding) bool { return have.Code == r.code })
}
