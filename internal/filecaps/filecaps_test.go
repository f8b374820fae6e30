package filecaps_test

import (
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/internal/filecaps"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

var texts = []struct{ text, value, shown string }{
	{"cap_net_raw+ep", "01000002" + "00200000" + "00000000" + "00000000" + "00000000", "cap_net_raw=ep"},
	{"CAP_NET_RAW=ep", "01000002" + "00200000" + "00000000" + "00000000" + "00000000", "cap_net_raw=ep"},
	{"cap_chown,cap_checkpoint_restore=p", "00000002" + "01000000" + "00000000" + "00010000" + "00000000", "cap_chown,cap_checkpoint_restore=p"},
	{"all=eip cap_sys_admin-eip", "01000002" + "ffffdfff" + "ffffdfff" + "ff010000" + "ff010000", ""},
	{"=p", "00000002" + "ffffffff" + "00000000" + "ff010000" + "00000000", "=p"},
	{"=", "00000002" + "00000000" + "00000000" + "00000000" + "00000000", "="},
	{"cap_kill=p+i cap_chown+i", "00000002" + "20000000" + "21000000" + "00000000" + "00000000", "cap_chown=i cap_kill=ip"},
	{"cap_kill=pi cap_kill=p", "00000002" + "20000000" + "00000000" + "00000000" + "00000000", "cap_kill=p"},
}

func value(text string) (string, error) {
	var s filecaps.Sets
	if err := s.Apply(text); err != nil {
		return "", err
	}
	return s.Value()
}

func TestText(t *testing.T) {
	for _, test := range texts {
		got, err := value(test.text)
		if err != nil || hex.EncodeToString([]byte(got)) != test.value {
			t.Errorf("%s: got %x, %v, want %s", test.text, got, err, test.value)
			continue
		}
		s, err := filecaps.Decode(got)
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
		}
		if test.shown != "" && s.String() != test.shown {
			t.Errorf("%s: got %q back, want %q", test.text, s, test.shown)
		}
		if again, err := value(s.String()); err != nil || again != got {
			t.Errorf("%s: got %x, %v, of the text %q, want %x", test.text, again, err, s, got)
		}
	}
}

func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                               "empty",
		"cap_net_raw":                    "want =, + or - and flags",
		"cap_net_raw+":                   "want flags behind +",
		"+ep":                            "want names before +",
		"cap_net_raw+x":                  `want the flags e, i and p, got "x"`,
		"cap_net_raw+p=e":                "= can only be the first",
		"cap_net_rw+p":                   `unknown capability "cap_net_rw"`,
		"cap_net_raw,+p":                 `unknown capability ""`,
		"cap_net_raw=e":                  "the flag e is for a whole file",
		"cap_net_raw=ep cap_net_admin=p": "the flag e is for a whole file",
	} {
		if _, err := value(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want %q in it", text, err, want)
		}
	}
	for _, value := range []string{"", "\x01\x00\x00", strings.Repeat("\x01", 20), "\x00\x00\x00\x03" + strings.Repeat("\x00", 16)} {
		if s, err := filecaps.Decode(value); err == nil {
			t.Errorf("got %v of %x, want an error", s, value)
		}
	}
}

func TestRootID(t *testing.T) {
	s := filecaps.Sets{Effective: 1, Permitted: 1, RootID: 100000}
	got, err := s.Value()
	if want := "01000003" + "01000000" + "00000000" + "00000000" + "00000000" + "a0860100"; hex.EncodeToString([]byte(got)) != want || err != nil {
		t.Errorf("got %x, %v, want %s", got, err, want)
	}
	back, err := filecaps.Decode(got)
	if back != s || err != nil {
		t.Errorf("got %v, %v back", back, err)
	}
}

// Libcap is the second opinion: it writes what we write, and shows what we show.
func TestLibcap(t *testing.T) {
	setcap, getcap := testenv.Tool(t, "setcap"), testenv.Tool(t, "getcap")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, test := range texts {
		if out, err := exec.Command(setcap, test.text, file).CombinedOutput(); err != nil {
			t.Skipf("setcap %s: %v\n%s", test.text, err, out)
		}
		buf := make([]byte, 64)
		n, err := unix.Lgetxattr(file, filecaps.Xattr, buf)
		if err != nil {
			t.Fatal(err)
		}
		if want := hex.EncodeToString(buf[:n]); want != test.value {
			t.Errorf("%s: setcap writes %s, we write %s", test.text, want, test.value)
		}
		out, err := exec.Command(getcap, file).Output()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(test.shown, " ") || test.shown == "" {
			continue // several clauses are in an order of getcap's own
		}
		if _, shown, _ := strings.Cut(strings.TrimSpace(string(out)), " "); shown != test.shown {
			t.Errorf("%s: getcap shows %q, we show %q", test.text, shown, test.shown)
		}
	}
}
