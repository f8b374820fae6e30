// Package cache keeps what takes long to make in the user's cache folder.
//
// Use of it has no errors: whoever uses it can do without. A file ends in the CRC-32 of
// what is before, because after a power cut or on a bad disk it can have its name
// and not its content. It appears whole, by a rename, so that builds side by side
// can share a folder. What is kept may be of files that are not for everyone, so
// that only the user can read it.
package cache

import (
	"bytes"
	"cmp"
	"errors"
	"hash"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// A folder holds 1 GiB at most, and what has been used within a month. What is left
// of a nearly full disk is for the image.
const (
	maxSize = 1 << 30
	maxAge  = 30 * 24 * time.Hour
	minFree = 256 << 20
)

// Folder is the path of a folder that need not exist. The zero value keeps nothing.
type Folder string

// User returns a folder of mkinitfs's in the user's cache folder, or "" if the user
// has none.
func User(name string) Folder {
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return Folder(filepath.Join(dir, "mkinitfs", name))
}

// Usable says what keeps anything from being kept there, or nil.
func (f Folder) Usable() error {
	if f == "" {
		return errors.New("the user has no cache folder, as neither XDG_CACHE_HOME nor HOME says where")
	}
	if err := os.MkdirAll(string(f), 0o700); err != nil {
		return err
	}
	const write = 2 // access(2)
	if err := syscall.Access(string(f), write); err != nil {
		return &fs.PathError{Op: "write to", Path: string(f), Err: err}
	}
	return nil
}

// Open returns what is kept under key, or nil if there is nothing, or something else
// than was kept.
func (f Folder) Open(key string) io.ReadCloser {
	if f == "" {
		return nil
	}
	path := filepath.Join(string(f), key)
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	r, err := open(file)
	if err != nil {
		file.Close()
		return nil
	}
	os.Chtimes(path, time.Time{}, time.Now()) // so that Prune does not forget it
	return r
}

// reader is the content of a file that is kept.
type reader struct {
	*io.SectionReader
	io.Closer
}

func open(file *os.File) (io.ReadCloser, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	content := io.NewSectionReader(file, 0, max(info.Size()-crc32.Size, 0))
	sum, want := crc32.NewIEEE(), make([]byte, crc32.Size)
	if _, err := io.Copy(sum, content); err != nil {
		return nil, err
	}
	if _, err := file.ReadAt(want, content.Size()); err != nil {
		return nil, err
	}
	if !bytes.Equal(sum.Sum(nil), want) {
		return nil, fs.ErrInvalid
	}
	content.Seek(0, io.SeekStart)
	return reader{content, file}, nil
}

// Writer takes what is to be kept. All it is given counts as written.
type Writer struct {
	path string
	file *os.File // nil when nothing can be kept
	sum  hash.Hash
}

// Create returns a writer of what is to be kept under key. It has to be closed.
func (f Folder) Create(key string) *Writer {
	w := &Writer{path: filepath.Join(string(f), key), sum: crc32.NewIEEE()}
	if f == "" || os.MkdirAll(string(f), 0o700) != nil {
		return w
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(string(f), &disk); err != nil || disk.Bavail*uint64(disk.Bsize) < minFree {
		return w
	}
	w.file, _ = os.CreateTemp(string(f), ".new-")
	return w
}

func (w *Writer) Write(p []byte) (int, error) {
	if w.file != nil {
		w.sum.Write(p)
		if _, err := w.file.Write(p); err != nil {
			w.Close()
		}
	}
	return len(p), nil
}

// Keep puts what was written in its place, if all went well.
func (w *Writer) Keep() {
	w.Write(w.sum.Sum(nil))
	if w.file != nil && os.Rename(w.file.Name(), w.path) == nil {
		w.file.Close()
		w.file = nil
	}
}

// Close forgets what has not been kept.
func (w *Writer) Close() {
	if w.file != nil {
		w.file.Close()
		os.Remove(w.file.Name())
		w.file = nil
	}
}

// Prune removes what was not used for long, and of the rest what was used least
// recently while there is too much.
func (f Folder) Prune() { f.prune(maxSize) }

func (f Folder) prune(most int64) {
	var files []fs.FileInfo
	entries, _ := os.ReadDir(string(f))
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, info)
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		return cmp.Or(b.ModTime().Compare(a.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	for _, info := range files {
		if most -= info.Size(); most < 0 || time.Since(info.ModTime()) > maxAge {
			os.Remove(filepath.Join(string(f), info.Name()))
		}
	}
}
