package source

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// Every way in which GNU tar and bsdtar write holes.
func TestTarSparse(t *testing.T) {
	dir := files(t, map[string]string{"a": "beginning", "after": "after"})
	for name, at := range map[string]int64{"a": 1 << 20, "hole": -1, "many": 3 << 20} {
		f, err := os.Create(dir + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if at < 0 {
			err = f.Truncate(70_000)
		}
		for ; at > 0; at -= 100_000 { // more than the 4 pieces of an old header
			_, err = f.WriteAt([]byte("end\n"), at)
		}
		if err = errors.Join(err, os.Chmod(f.Name(), 0o644), f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	names := []string{"a", "hole", "many", "after"}
	for _, test := range []struct {
		tool string
		args []string
	}{
		{"tar", []string{"--format=gnu", "--sparse"}},
		{"tar", []string{"--sparse", "--sparse-version=0.0"}},
		{"tar", []string{"--sparse", "--sparse-version=0.1"}},
		{"tar", []string{"--sparse", "--sparse-version=1.0"}},
		{"bsdtar", nil},
		{"bsdtar", []string{"--format=pax", "--gzip"}},
	} {
		t.Run(test.tool+strings.Join(test.args, ""), func(t *testing.T) {
			run(t, dir, test.tool, slices.Concat(test.args, []string{"-cf", "a.tar"}, names)...)
			chmod(t, 0o644, dir, "a.tar")
			got, err := ask(t, &Env{}, &manifests.Tar{Item: manifests.Item{Dst: "/", Pos: manifests.Pos{File: "m", Line: 1}}, Src: dir + "/a.tar"})
			if err != nil {
				t.Fatal(err)
			}
			for i, e := range got {
				want, err := os.ReadFile(filepath.Join(dir, names[i]))
				if err != nil {
					t.Fatal(err)
				}
				have := make([]byte, e.Size)
				if _, err := io.ReadFull(io.NewSectionReader(e.Data.At, e.Data.Offset, e.Size), have); err != nil {
					t.Errorf("read %s: %v", e.Path, err)
				}
				if !bytes.Equal(have, want) {
					t.Errorf("%s: got %d bytes that differ, want the %d of the source", e.Path, len(have), len(want))
				}
			}
		})
	}
}

// A member that claims more than newc holds is not expanded: the plan refuses it.
func TestTarSparseTooLarge(t *testing.T) {
	records := map[string]string{
		"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.name": "huge", "GNU.sparse.size": "9000000000000000000",
		"GNU.sparse.numblocks": "1", "GNU.sparse.map": "0,0",
	}
	data := withRecords(t, records)
	dir := files(t, map[string]string{"a.tar": string(data)})
	got, err := ask(t, &Env{}, &manifests.Tar{Item: manifests.Item{Dst: "/"}, Src: dir + "/a.tar"})
	if err != nil {
		t.Fatal(err)
	}
	if e := got[0]; e.Path != "/huge" || e.Size != 9e18 || e.Data != (plan.Data{}) {
		t.Errorf("got %+v, want /huge of 9e18 bytes without data", e)
	}
}

// withRecords is an archive of one member with PAX records that archive/tar does not
// write.
func withRecords(t *testing.T, records map[string]string) []byte {
	t.Helper()
	var text strings.Builder
	for key, value := range records {
		line := " " + key + "=" + value + "\n"
		n := len(line)
		for n != len(line)+len(strconv.Itoa(n)) {
			n = len(line) + len(strconv.Itoa(n))
		}
		fmt.Fprintf(&text, "%d%s", n, line)
	}
	data := archive(t, tar.FormatUSTAR,
		member{tar.Header{Typeflag: tar.TypeReg, Name: "x"}, text.String()},
		member{tar.Header{Typeflag: tar.TypeReg, Name: "x"}, ""},
	)
	const flag, sum = 156, 148
	data[flag] = tar.TypeXHeader
	copy(data[sum:], "        ")
	n := 0
	for _, c := range data[:tarBlock] {
		n += int(c)
	}
	copy(data[sum:], fmt.Sprintf("%06o\x00 ", n))
	return data
}
