package difference

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/internal/words"
	"github.com/mkinitfs/mkinitfs/internal/xattr"
)

// overflowID is the id that files have whose owner has none in the user namespace.
const overflowID = 65534

// allMapped reports whether the user namespace has all ids, as the first one does.
func allMapped() bool {
	text, err := os.ReadFile("/proc/self/uid_map")
	return err != nil || slices.Equal(strings.Fields(string(text)), []string{"0", "0", "4294967295"})
}

// directory is a directory of the host that is being read.
type directory struct {
	*Side
	dir      string
	linked   map[string]int64
	files    map[inode]int64 // those with several names, by the number of the content
	paths    []string        // by the number of the content
	mapped   bool            // all ids exist in this user namespace
	nameless int             // entries whose owner has no id here
	labels   bool            // some entry has a SELinux label
	buf      []byte          // for an extended attribute
}

type inode struct{ dev, ino uint64 }

// OfDirectory returns a directory of the host as a side. SELinux labels follow the host's
// policy, so they are not compared.
func OfDirectory(ctx context.Context, name, dir string) (*Side, error) {
	d := &directory{
		Side: &Side{Name: name, Kind: Directory, Unowned: os.Geteuid() != 0}, dir: dir,
		linked: map[string]int64{}, files: map[inode]int64{}, mapped: allMapped(), buf: make([]byte, xattr.SizeMax),
	}
	var info unix.Stat_t
	if err := unix.Stat(dir, &info); err != nil {
		return nil, &os.PathError{Op: "read", Path: dir, Err: err}
	}
	if err := d.add(ctx, "/", &info); err != nil {
		return nil, err
	}
	arrange(d.Root, d.linked)
	if d.nameless > 0 {
		d.Notes = append(d.Notes, fmt.Sprintf("the owners of %s in %s, whose ids this user namespace lacks", words.Count(d.nameless, "entry", "entries"), name))
	}
	if d.labels {
		d.Notes = append(d.Notes, fmt.Sprintf("SELinux labels in %s, which are the host's", name))
	}
	d.contents = d.read
	return d.Side, nil
}

// add adds the entry at a path of the root, and everything below it.
func (d *directory) add(ctx context.Context, path string, info *unix.Stat_t) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	host := d.host(path)
	e := Entry{
		Path: path, Mode: info.Mode, UID: info.Uid, GID: info.Gid, MTime: int64(info.Mtim.Sec), content: int64(len(d.paths)),
	}
	if !d.mapped && (info.Uid == overflowID || info.Gid == overflowID) {
		e.NoOwner = true
		d.nameless++
	}
	if id := (inode{uint64(info.Dev), info.Ino}); info.Nlink > 1 && kind(&e) != cpio.TypeDir {
		number, ok := d.files[id]
		if !ok {
			number = e.content
			d.files[id] = number
		}
		e.content, d.linked[path] = number, number
	}
	d.paths = append(d.paths, path)
	var err error
	switch kind(&e) {
	case cpio.TypeFile:
		e.Size = info.Size
	case cpio.TypeChar, cpio.TypeBlock:
		e.Major, e.Minor = unix.Major(uint64(info.Rdev)), unix.Minor(uint64(info.Rdev))
	case cpio.TypeLink:
		if e.Target, err = os.Readlink(host); err != nil {
			return err
		}
	}
	if e.Xattrs, err = d.xattrs(host); err != nil {
		return err
	}
	d.Root = append(d.Root, e)
	if kind(&e) != cpio.TypeDir {
		return nil
	}
	names, err := readNames(host)
	if err != nil {
		return err
	}
	for _, name := range names {
		below := strings.TrimSuffix(path, "/") + "/" + name
		var info unix.Stat_t
		if err := unix.Lstat(d.host(below), &info); err != nil {
			return &os.PathError{Op: "read", Path: d.host(below), Err: err}
		}
		if err := d.add(ctx, below, &info); err != nil {
			return err
		}
	}
	return nil
}

// host returns where on the host a path of the root is.
func (d *directory) host(path string) string {
	if path == "/" {
		return d.dir + "/." // through a link
	}
	return filepath.Join(d.dir, path)
}

func readNames(dir string) ([]string, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

// xattrs returns the extended attributes of a file that a root in memory can have.
func (d *directory) xattrs(path string) (map[string]string, error) {
	n, err := unix.Llistxattr(path, d.buf)
	if err == unix.EOPNOTSUPP {
		return nil, nil
	}
	if err != nil {
		return nil, &os.PathError{Op: "list extended attributes of", Path: path, Err: err}
	}
	var found map[string]string
	names := strings.Split(string(d.buf[:n]), "\x00")
	for _, name := range names {
		if !xattr.Storable(name) {
			continue
		}
		if name == xattr.SELinux {
			d.labels = true
			continue
		}
		n, err := unix.Lgetxattr(path, name, d.buf)
		if err != nil {
			return nil, &os.PathError{Op: "read " + name + " of", Path: path, Err: err}
		}
		if found == nil {
			found = map[string]string{}
		}
		found[name] = string(d.buf[:n])
	}
	return found, nil
}

// read is [Side.contents].
func (d *directory) read(ctx context.Context, want map[int64]bool, visit func(int64, io.Reader) error) error {
	for number, path := range d.paths {
		if !want[int64(number)] {
			continue
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		f, err := os.OpenFile(d.host(path), os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
		if err != nil {
			return err
		}
		err = visit(int64(number), f)
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
