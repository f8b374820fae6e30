package image

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"github.com/pierrec/lz4/v4"
)

// The kernel compares the sum of a file's bytes when it has all of them: where the image
// ends before, it says nothing.
func TestSumOfCutFile(t *testing.T) {
	const header = 110
	data := bytes.Replace(archive(t, "a=hello"), []byte("070701"), []byte("070702"), 1)
	copy(data[header-8:], fmt.Sprintf("%08x", 'h'+'e'+'l'+'l'+'o'))
	data = data[:header+len("a\x00")+len("hel")]
	entries, info, err := List(bytes.NewReader(data))
	if err != nil || len(entries) != 1 || !info.Findings.has(bodyCut) {
		t.Errorf("got %d entries, findings %v and the error %v, want an entry and that it is cut", len(entries), info.Findings, err)
	}
}

// What only some kernels take, or none, is a finding too where what is in the stream is
// damaged.
func TestCodecOfDamaged(t *testing.T) {
	var frame bytes.Buffer
	w := lz4.NewWriter(&frame)
	fmt.Fprintf(w, "%s%s", archive(t, "a=hello"), bytes.Repeat([]byte("junk"), 2*bufferSize)) // whose end a walk does not see
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2)) // to decode ahead
	lines, info, err := walkReader(bytes.NewReader(frame.Bytes()))
	if err == nil || len(lines) != 1 || len(info.Findings) != 1 || info.Findings[0].Code != "codec-refused" {
		t.Errorf("got %q, findings %v and the error %v", lines, info.Findings, err)
	}
}

// A member is compared with the boot plan also where that stands behind it.
func TestFilesBeforePlan(t *testing.T) {
	members := nestedMembers(t, "gzip")
	data := join(t, archive(t, payloadOf(members...)...), archive(t, ".mkinitfs/", planFor(t, members...)))
	files, err := ReadFiles(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := files.Copy(&b, "/etc/hosts"); err != nil || b.String() != "localhost\n" {
		t.Errorf("got %q and the error %v", &b, err)
	}
}
