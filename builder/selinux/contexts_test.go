package selinux_test

import (
	"archive/tar"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/selinux"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

const (
	file, dir, link, char, block, fifo, socket = 0o100000, 0o040000, 0o120000, 0o020000, 0o060000, 0o010000, 0o140000
)

// kinds are the file types by their names in matchpathcon.
var kinds = map[uint32]string{
	file: "file", dir: "dir", link: "lnk_file", char: "chr_file", block: "blk_file", fifo: "pipe", socket: "sock_file",
}

// question is a path and a type to look up.
type question struct {
	path string
	mode uint32
}

const rules = `# Comments, and empty lines

/.*			u:r:default
/	-d	u:r:root
  /etc(/.*)?	u:r:etc
/etc/shadow.*	--	u:r:shadow
/etc/ssl(/.*)?	u:r:cert
/usr/.*	u:r:usr
/usr/s?bin(/.*)?	u:r:bin
/usr/bin/exact	u:r:exact
/usr/bin/ex.*	--	u:r:regex	what follows is ignored
/usr/bin/[^/]{3}	u:r:three
/usr/lib/a\+b\.so	--	u:r:plus
/usr/lib/a.*	u:r:a
/dev/[0-9].*	-c	u:r:char
/dev/[0-9].*	-b	u:r:block
/dev/[0-9].*	-p	u:r:fifo
/dev/[0-9].*	-s	u:r:socket
/dev/[0-9].*	-l	u:r:link
/proc/.*	<<none>>
/twice	-d	u:r:first
/twice	-d	u:r:second
/opt/(a|b(/c)?|[(|])	u:r:group
/srv/x|/y/left	u:r:branches
/srv/[[:alpha:]_]+\.d	u:r:class
(/media)?/cd	u:r:cd
`

func TestLookup(t *testing.T) {
	base := filepath.Join(t.TempDir(), "file_contexts")
	for suffix, text := range map[string]string{
		"":           rules,
		".homedirs":  "/home/[^/]+	-d	u:r:home\n/home/[^/]+/.+	u:r:user\n/usr/lib/a.*	u:r:later\n",
		".local":     "/usr/lib/a.*	--	u:r:local\n/etc/local	u:r:local",
		".subs_dist": "# Comment\n/lib64 /usr/lib\n/lib /usr/lib\n/sub/twice /etc/ssl\n",
		".subs":      "/sub/lib64 /lib64\n/sub /etc\n/sub /sub/twice\n/chroot /\n",
	} {
		write(t, base+suffix, text)
	}
	contexts, err := selinux.Read(base, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		question
		want string
	}{
		{question{"/", dir}, "u:r:root"},
		{question{"/top", file}, "u:r:default"},
		{question{"/etc", dir}, "u:r:etc"},
		{question{"/etcetera", dir}, "u:r:default"},
		{question{"/etc/shadow-", file}, "u:r:shadow"},
		{question{"/etc/shadow-", link}, "u:r:etc"},
		{question{"/etc/ssl/certs/a", file}, "u:r:cert"},
		{question{"/usr", dir}, "u:r:default"},
		{question{"/usr/share", dir}, "u:r:usr"},
		{question{"/usr/sbin", dir}, "u:r:bin"},
		{question{"/usr/bin/ls", file}, "u:r:bin"},
		{question{"/usr/bin/exact", file}, "u:r:exact"},
		{question{"/usr/bin/exacter", file}, "u:r:regex"},
		{question{"/usr/bin/one", file}, "u:r:three"},
		{question{"/usr/bin/\xc3\xa4o", file}, "u:r:three"}, // bytes, not letters
		{question{"/usr/bin/äüö", file}, "u:r:bin"},
		{question{"/usr/bin/a\nb", file}, "u:r:three"},
		{question{"/usr/lib/a+b.so", file}, "u:r:plus"},
		{question{"/usr/lib/a+b.so", dir}, "u:r:later"},
		{question{"/usr/lib/a", file}, "u:r:local"},
		{question{"/dev/1", char}, "u:r:char"},
		{question{"/dev/1", block}, "u:r:block"},
		{question{"/dev/1", fifo}, "u:r:fifo"},
		{question{"/dev/1", socket}, "u:r:socket"},
		{question{"/dev/1", link}, "u:r:link"},
		{question{"/dev/1", file}, "u:r:default"},
		{question{"/proc/self", link}, ""},
		{question{"/proc", dir}, "u:r:default"},
		{question{"/twice", dir}, "u:r:second"},
		{question{"/opt/a", file}, "u:r:group"},
		{question{"/opt/b/c", file}, "u:r:group"},
		{question{"/opt/(", file}, "u:r:group"},
		{question{"/opt/c", file}, "u:r:default"},
		{question{"/srv/xyz", file}, "u:r:branches"}, // ^/srv/x|/y/left$
		{question{"/srv/conf_a.d", dir}, "u:r:class"},
		{question{"/cd", file}, "u:r:cd"},
		{question{"/media/cd", file}, "u:r:cd"},
		{question{"/home/me", dir}, "u:r:home"},
		{question{"/home/me", file}, "u:r:default"},
		{question{"/home/me/x/y", file}, "u:r:user"},
		{question{"/etc/local", file}, "u:r:local"},
		{question{"/lib/a", file}, "u:r:local"},
		{question{"/lib64/a", dir}, "u:r:later"},
		{question{"/lib64", dir}, "u:r:usr"},
		{question{"/lib64bit", dir}, "u:r:default"},
		{question{"/sub/shadow", file}, "u:r:cert"}, // the later line, and then .subs_dist
		{question{"/sub/lib64/a", file}, "u:r:cert"},
		{question{"/chroot/etc/ssl", dir}, "u:r:cert"},
	}
	var questions []question
	for _, test := range tests {
		questions = append(questions, test.question)
		if got, _ := contexts.Lookup(test.path, test.mode); got != test.want {
			t.Errorf("%q, %s: got label %q, want %q", test.path, kinds[test.mode], got, test.want)
		}
	}
	compare(t, base, questions)
}

// TestDebian looks up every path of a Debian root in Debian's policy, with its own type and
// with a type that few rules name.
func TestDebian(t *testing.T) {
	testenv.Sequential(t)
	top := t.TempDir()
	unpack := exec.Command("tar", "-xf", testenv.SELinuxPolicy(t), "-C", top)
	if out, err := unpack.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", unpack, err, out)
	}
	f, err := os.Open(testenv.DebianRoot(t))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var questions []question
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		path, mode := filepath.Join("/", h.Name), uint32(file)
		switch h.Typeflag {
		case tar.TypeDir:
			mode = dir
		case tar.TypeSymlink:
			mode = link
		case tar.TypeChar:
			mode = char
		}
		questions = append(questions, question{path, mode}, question{path, []uint32{block, fifo, socket}[len(path)%3]})
	}
	if len(questions) < 10_000 {
		t.Fatalf("got %d questions, want a root's worth", len(questions))
	}
	compare(t, top+"/etc/selinux/default/contexts/files/file_contexts", questions)
}

// compare compares the labels with those of libselinux.
func compare(t *testing.T, base string, questions []question) {
	t.Helper()
	matchpathcon := testenv.Tool(t, "matchpathcon")
	contexts, err := selinux.Read(base, os.ReadFile)
	if err != nil {
		t.Fatal(err)
	}
	paths := map[uint32][]string{}
	for _, q := range questions {
		if !strings.Contains(q.path, "\n") { // matchpathcon's answers are lines
			paths[q.mode] = append(paths[q.mode], q.path)
		}
	}
	bad := 0
	for mode, paths := range paths {
		out, err := exec.Command(matchpathcon, append([]string{"-n", "-m", kinds[mode], "-f", base}, paths...)...).Output()
		if err != nil {
			t.Fatal(err)
		}
		answers := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
		if len(answers) != len(paths) {
			t.Fatalf("%s: got %d answers for %d paths", kinds[mode], len(answers), len(paths))
		}
		for i, want := range answers {
			got, ok := contexts.Lookup(paths[i], mode)
			if !ok {
				got = "<<none>>"
			}
			if got != want {
				if bad++; bad <= 20 {
					t.Errorf("%q, %s: got label %s, libselinux says %s", paths[i], kinds[mode], got, want)
				}
			}
		}
	}
	if bad > 20 {
		t.Errorf("%d more like these", bad-20)
	}
}

func TestErrors(t *testing.T) {
	files := map[string]string{
		"fc":           "/ok	u:r:x\n/one\n/two	-x	u:r:x\n/three(	u:r:x\n/four/(?!x)	u:r:x\n/fünf	u:r:x\n",
		"fc.local":     "\n/six{2000}	u:r:x",
		"fc.subs_dist": "/seven\n",
	}
	_, err := selinux.Read("fc", func(name string) ([]byte, error) {
		if text, ok := files[name]; ok {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	})
	const want = `fc:2: want a regular expression, perhaps a file type, and a context
fc:3: file type -x: want one of -- -b -c -d -l -p -s
fc:4: /three(: missing closing )
fc:5: /four/(?!x): invalid or unsupported Perl syntax: (?!
fc:6: /fünf: not ASCII
fc.local:2: /six{2000}: invalid repeat count: {2000}
fc.subs_dist:1: want two paths`
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
	if _, err := selinux.Read("missing", os.ReadFile); !os.IsNotExist(err) {
		t.Errorf("got error %v of a file that is not there", err)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
