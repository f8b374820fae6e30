// Package cache keeps the results of slow work in a directory of the user.
//
// A file holds the kept data, its key, its length and its SHA-256. So a damaged file, or one
// under a wrong name, is noticed. A file appears whole, so that concurrent builds can share a
// directory. Nothing is flushed to the disk, because the sum finds the damage of a power cut.
// The data may come from private files, so only the user can read it.
//
// A sum stops nobody who can write to the directory. Therefore package cache uses the
// default directory only if it is the user's own and nobody else can write to it.
//
// Failures after [In] are no errors: a caller can always do without the cache.
package cache

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/mkinitfs/mkinitfs/internal/newfile"
)

// A directory holds 1 GiB at most, used within the last month. The last bytes of a nearly full
// disk are for the image.
const (
	maxSize = 1 << 30
	maxAge  = 30 * 24 * time.Hour
	minFree = 256 << 20
)

// Dir is a directory of kept data. The zero value keeps nothing.
type Dir struct {
	path string
	own  bool // nothing in it but the user's own files is taken
}

// Entry is something that is kept. It has to be closed.
type Entry struct {
	*io.SectionReader
	SHA256 [sha256.Size]byte // of its content, which it has been compared with
	file   *os.File
}

// Close closes the entry.
func (e *Entry) Close() error { return e.file.Close() }

// Open returns the data under key, or nil if there is none or it is damaged. It reads all of
// it.
func (d Dir) Open(key string) *Entry {
	if d.path == "" {
		return nil
	}
	path := filepath.Join(d.path, key)
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	e := d.check(file, key)
	if e == nil {
		file.Close()
		return nil
	}
	os.Chtimes(path, time.Time{}, time.Now()) // so that Prune does not forget it
	return e
}

// check returns the entry of an open file, or nil if it is damaged or has another key.
func (d Dir) check(file *os.File, key string) *Entry {
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || d.own && closed(info) != nil {
		return nil
	}
	length := info.Size() - int64(len(trailer(key, 0, nil))) - sha256.Size
	if length < 0 {
		return nil
	}
	content := io.NewSectionReader(file, 0, length)
	sum := sha256.New()
	if _, err := io.Copy(sum, content); err != nil {
		return nil
	}
	e := &Entry{SectionReader: content, file: file}
	sum.Sum(e.SHA256[:0])
	want := trailer(key, length, e.SHA256[:])
	got := make([]byte, len(want))
	if _, err := file.ReadAt(got, length); err != nil || string(got) != string(want) {
		return nil
	}
	content.Seek(0, io.SeekStart)
	return e
}

// trailer returns the bytes that follow the content in a file.
func trailer(key string, length int64, sum []byte) []byte {
	return append(binary.BigEndian.AppendUint64([]byte(key), uint64(length)), sum...)
}

// Writer takes data to keep. It accepts every write, even if the data is lost.
type Writer struct {
	file   *newfile.File // nil when nothing can be kept
	key    string
	length int64
}

// Create returns a writer for the data under key. It has to be closed.
func (d Dir) Create(key string) *Writer {
	w := &Writer{key: key}
	var disk syscall.Statfs_t
	if d.path == "" || syscall.Statfs(d.path, &disk) != nil || disk.Bavail*uint64(disk.Bsize) < minFree {
		return w
	}
	w.file, _ = newfile.Create(filepath.Join(d.path, key), 0o600)
	return w
}

func (w *Writer) Write(p []byte) (int, error) {
	if w.file != nil {
		n, err := w.file.Write(p)
		w.length += int64(n)
		if err != nil {
			w.Close()
		}
	}
	return len(p), nil
}

// Keep puts the data in its place unless a write failed. The caller knows its SHA-256 already.
func (w *Writer) Keep(sum [sha256.Size]byte) {
	w.Write(trailer(w.key, w.length, sum[:]))
	if w.file != nil {
		w.file.Place()
	}
	w.Close()
}

// Close drops data that Keep has not kept.
func (w *Writer) Close() {
	if w.file != nil {
		w.file.Close()
		w.file = nil
	}
}

// Prune removes data that was not used for a month, then the least recently used data while
// there is too much, and unfinished files of killed processes.
func (d Dir) Prune() { d.prune(maxSize) }

func (d Dir) prune(most int64) {
	if d.path == "" {
		return
	}
	newfile.SweepDir(d.path)
	var files []fs.FileInfo
	entries, _ := os.ReadDir(d.path)
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() && !newfile.Unfinished(e.Name()) {
			files = append(files, info)
		}
	}
	slices.SortFunc(files, func(a, b fs.FileInfo) int {
		return cmp.Or(b.ModTime().Compare(a.ModTime()), cmp.Compare(a.Name(), b.Name()))
	})
	for _, info := range files {
		if most -= info.Size(); most < 0 || time.Since(info.ModTime()) > maxAge {
			os.Remove(filepath.Join(d.path, info.Name()))
		}
	}
}
