package source

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// ask returns the entries of an item. They can be read until the test ends.
func ask(t testing.TB, env *Env, c manifests.Content) ([]*plan.Entry, error) {
	t.Cleanup(func() {
		if err := env.Close(); err != nil {
			t.Error(err)
		}
	})
	return askIn(t.Context(), env, c)
}

func askIn(ctx context.Context, env *Env, c manifests.Content) ([]*plan.Entry, error) {
	s, err := Of(c)
	if err != nil {
		return nil, err
	}
	return s.Entries(ctx, env)
}

// format writes entries, one a line: path, type, mode, and what is not usual.
func format(t *testing.T, entries []*plan.Entry) string {
	t.Helper()
	types := map[uint32]string{
		plan.TypeSocket: "socket", plan.TypeLink: "link", plan.TypeFile: "file", plan.TypeBlock: "block",
		plan.TypeDir: "dir", plan.TypeChar: "char", plan.TypeFIFO: "fifo",
	}
	var b strings.Builder
	for _, e := range entries {
		if e.Whiteout != 0 {
			fmt.Fprintf(&b, "%s %s\n", e.Path, map[plan.Whiteout]string{plan.HidesPath: "hides", plan.HidesBelow: "opaque"}[e.Whiteout])
			continue
		}
		if e.HardLink {
			fmt.Fprintf(&b, "%s hard %s", e.Path, e.Target)
		} else {
			fmt.Fprintf(&b, "%s %s %04o", e.Path, types[e.Mode&plan.TypeMask], e.Mode&^plan.TypeMask)
			if e.UID != 0 || e.GID != 0 {
				fmt.Fprintf(&b, " owner=%d:%d", e.UID, e.GID)
			}
			if e.MTime != 0 {
				fmt.Fprintf(&b, " mtime=%d", e.MTime)
			}
			if e.Major != 0 || e.Minor != 0 {
				fmt.Fprintf(&b, " %d:%d", e.Major, e.Minor)
			}
			if e.IsFile() {
				fmt.Fprintf(&b, " %q", content(t, e))
			}
			if e.Target != "" {
				fmt.Fprintf(&b, " -> %s", e.Target)
			}
		}
		if e.Implied {
			b.WriteString(" implied")
		}
		if e.Private {
			b.WriteString(" private")
		}
		if e.Replace {
			b.WriteString(" replace")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// content reads what e.Data says, shortened.
func content(t *testing.T, e *plan.Entry) string {
	t.Helper()
	data := make([]byte, e.Size)
	var err error
	switch {
	case e.Size == 0:
	case e.Data.At != nil:
		_, err = io.ReadFull(io.NewSectionReader(e.Data.At, e.Data.Offset, e.Size), data)
	default:
		data, err = os.ReadFile(e.Data.Path)
	}
	if err != nil {
		t.Errorf("read %s: %v", e.Path, err)
	}
	if int64(len(data)) != e.Size {
		t.Errorf("%s: got %d bytes, want %d", e.Path, len(data), e.Size)
	}
	if len(data) > 40 {
		return fmt.Sprintf("%s... %d", data[:20], len(data))
	}
	return string(data)
}

// compare compares a listing, or the error's words with the directory dir left out.
func compare(t *testing.T, dir string, entries []*plan.Entry, err error, want string) {
	t.Helper()
	compareAll(t, dir, entries, err, "", want)
}

// compareAll is compare with warnings behind the listing.
func compareAll(t *testing.T, dir string, entries []*plan.Entry, err error, warned, want string) {
	t.Helper()
	got := format(t, entries) + warned
	if err != nil {
		got = strings.ReplaceAll(err.Error(), dir+"/", "") + "\n"
	}
	if diff := cmp.Diff(strings.TrimPrefix(want, "\n"), got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// files makes a directory of files: a name with a final slash is a directory, a
// content "-> x" a symbolic link. Modes do not depend on the umask.
func files(t testing.TB, contents map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range contents {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(text, "-> "); ok {
			err = os.Symlink(target, path)
		} else if strings.HasSuffix(name, "/") {
			err = os.MkdirAll(path, 0o755)
		} else {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil || d.Type() == fs.ModeSymlink:
			return err
		case d.IsDir():
			return os.Chmod(path, 0o755)
		}
		return os.Chmod(path, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func chmod(t *testing.T, mode os.FileMode, elem ...string) {
	t.Helper()
	if err := os.Chmod(filepath.Join(elem...), mode); err != nil {
		t.Fatal(err)
	}
}
