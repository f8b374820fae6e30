package cache

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The default directory has to be the user's alone. One that the user names must not be
// everybody's.
func TestIn(t *testing.T) {
	for _, test := range []struct {
		name      string
		top, kept os.FileMode // of the directories
		isDefault string      // the error, "" for none
		named     string
	}{
		{"the user's", 0o700, 0o755, "", ""},
		{"open to the group", 0o770, 0o700, "others than its owner may write there (its mode is 0770)", ""},
		{"open to the group below", 0o700, 0o775, "others than its owner may write there (its mode is 0775)", ""},
		{"open to everybody", 0o777, 0o700, "everybody may write there (its mode is 0777)", "everybody may write there (its mode is 0777)"},
		{"sticky", 0o777 | os.ModeSticky, 0o700, "everybody may write there", "everybody may write there"},
		{"open to everybody below", 0o700, 0o707, "everybody may write there", "everybody may write there"},
	} {
		t.Run(test.name, func(t *testing.T) {
			home := t.TempDir()
			t.Setenv("XDG_CACHE_HOME", home)
			t.Setenv(variable, "")
			for top, want := range map[string]string{Top(os.LookupEnv): test.isDefault, filepath.Join(home, "named"): test.named} {
				kept := filepath.Join(top, "kept")
				if err := os.MkdirAll(kept, 0o700); err != nil {
					t.Fatal(err)
				}
				os.Chmod(top, test.top)
				os.Chmod(kept, test.kept)
				d, err := In(top, "kept")
				switch {
				case want == "" && err != nil:
					t.Errorf("%s: %v", top, err)
				case want == "":
					keep(d, "key", "content")
					if got := get(t, d, "key"); got != "content" {
						t.Errorf("%s: got %q", top, got)
					}
				case err == nil || !strings.Contains(err.Error(), want) || !strings.HasSuffix(err.Error(), "or name another directory by MKINITFS_CACHE=DIR"):
					t.Errorf("%s: got error %v, want %q", top, err, want)
				case d != Dir{}:
					t.Errorf("%s: got a directory beside the error", top)
				}
			}
		})
	}
}

// In the default directory no file counts that others could have made or changed.
func TestOwnFiles(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv(variable, "")
	d, err := In(Top(os.LookupEnv), "kept")
	if err != nil {
		t.Fatal(err)
	}
	keep(d, "key", "content")
	path := filepath.Join(d.path, "key")
	for _, mode := range []os.FileMode{0o620, 0o602} {
		os.Chmod(path, mode)
		if got := get(t, d, "key"); got != "nothing" {
			t.Errorf("mode %v: got %q, want nothing", mode, got)
		}
	}
	os.Chmod(path, 0o600)
	if got := get(t, d, "key"); got != "content" {
		t.Errorf("got %q, want what was kept", got)
	}
	if os.Geteuid() != 0 {
		t.Skip("only the superuser can give a file away")
	}
	if err := os.Chown(path, 1, 1); err != nil {
		t.Skip(err) // in a user namespace without that user
	}
	if got := get(t, d, "key"); got != "nothing" {
		t.Errorf("another user's file: got %q, want nothing", got)
	}
	for _, dir := range []string{d.path, filepath.Dir(d.path)} {
		os.Chown(dir, 1, 1)
		if _, err := In(Top(os.LookupEnv), "kept"); err == nil || !strings.Contains(err.Error(), dir+": it belongs to user 1, not to user 0") {
			t.Errorf("%s belongs to another: got error %v", dir, err)
		}
		os.Chown(dir, 0, 0)
	}
}

func TestTop(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", "/cache")
	for value, want := range map[string]string{"": "/cache/mkinitfs", "/other": "/other", "near": "near"} {
		t.Setenv(variable, value)
		if got := Top(os.LookupEnv); got != want {
			t.Errorf("%s=%s: got %q, want %q", variable, value, got, want)
		}
	}
	t.Setenv(variable, "")
	t.Setenv("XDG_CACHE_HOME", "")
	t.Setenv("HOME", "")
	if got := Top(os.LookupEnv); got != "" {
		t.Errorf("without a home: got %q, want none", got)
	}
	if _, err := In(Top(os.LookupEnv), "kept"); err == nil || !strings.Contains(err.Error(), "no cache directory") {
		t.Errorf("without a home: got error %v", err)
	}
}
