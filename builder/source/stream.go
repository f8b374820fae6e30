package source

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// opened is an archive that can be read at any offset.
type opened struct {
	*os.File            // plain, standing at its start
	stamp    plan.Stamp // zero for a file that has no name
	private  bool
	check    func() error // returns an error if it changed while it was read
}

// archiveFormat makes an archive readable at any offset.
type archiveFormat struct {
	// plain returns f itself if it can be read as it is, else a nameless file.
	plain func(ctx context.Context, f *os.File) (*os.File, error)
	// spool copies the data of a pipe to a file.
	spool func(ctx context.Context, spool *os.File, in io.Reader) error
	// pipe is the hint that tells how to pipe an archive in.
	pipe string
	// dir is the hint for a directory in the place of an archive.
	dir string
}

const treeTakes = "type: tree takes directories"

// tarFormat opens tarballs.
func tarFormat() archiveFormat {
	f := tarsIn(func(spool io.Writer) io.Writer {
		return &bounded{spool, maxSpool, fmt.Errorf("more than %d GiB", int64(maxSpool)>>30)}
	})
	f.pipe, f.dir = "pipe a tarball in: tar -C ROOT -cf - . | mkinitfs ...", treeTakes
	return f
}

// openArchive opens the archive at src. It decompresses the archive, or spools a stream, to a
// nameless file. If ctx ends first, openArchive returns the error of ctx.
func openArchive(ctx context.Context, j *job, src string, format archiveFormat) (*opened, error) {
	if src == manifests.Stdin {
		return j.stream(ctx, src, format, func() (*os.File, error) { return j.openStdin(format.pipe) })
	}
	var info unix.Stat_t
	if err := lookAt(unix.AT_FDCWD, src, true, &info); err != nil {
		return nil, err
	}
	switch info.Mode & plan.TypeMask {
	case plan.TypeFIFO:
		return j.stream(ctx, src, format, func() (*os.File, error) { return os.Open(src) })
	case plan.TypeDir:
		return nil, advise(format.dir, "is a directory")
	case plan.TypeFile:
	default:
		return nil, errors.New("neither a regular file nor a pipe")
	}
	f, err := os.Open(src)
	if err != nil {
		return nil, err
	}
	if !isDescriptor(src) {
		j.input(src)
	}
	err = unix.Fstat(int(f.Fd()), &info)
	var plain *os.File
	if err == nil {
		plain, err = format.plain(ctx, f)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	o := &opened{File: plain, private: closed(&info)}
	if plain == f {
		o.stamp = stamp(&info)
		o.check = func() error { return unchanged(f, &info) }
		return o, nil
	}
	defer f.Close()
	o.check = func() error { return nil }
	return o, unchanged(f, &info)
}

// isDescriptor reports whether path names an open file of this process. Such a path means
// nothing in a depfile.
func isDescriptor(path string) bool {
	return path == "/dev/stdin" || strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/")
}

func (j *job) openStdin(pipe string) (*os.File, error) {
	f := j.Stdin
	if f == nil {
		return nil, errors.New("there is no standard input")
	}
	if _, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS); err == nil {
		return nil, advise(pipe, "standard input is a terminal")
	}
	return f, nil
}

// stream spools the data of a pipe.
func (j *job) stream(ctx context.Context, src string, format archiveFormat, open func() (*os.File, error)) (*opened, error) {
	private := make(chan bool, 1)
	in := background(ctx, func() (*os.File, error) {
		f, err := open()
		if err == nil {
			private <- closedStream(f)
		}
		return f, err
	})
	defer in.Close()
	spool, err := nameless()
	if err != nil {
		return nil, err
	}
	if err = fill(ctx, spool, in, format); err == nil {
		_, err = spool.Seek(0, io.SeekStart)
	}
	if err != nil {
		spool.Close()
		return nil, err
	}
	j.warnTmpfs(src, spool)
	return &opened{File: spool, private: <-private, check: func() error { return nil }}, nil
}

func fill(ctx context.Context, spool *os.File, in io.Reader, format archiveFormat) error {
	r := bufio.NewReaderSize(in, 1<<16)
	if _, err := r.Peek(1); err == io.EOF {
		return errors.New("nothing came through: the program that should write it may have failed")
	} else if err != nil {
		return err
	}
	return format.spool(ctx, spool, r)
}

// unchanged returns an error if f has changed since info was read.
func unchanged(f *os.File, info *unix.Stat_t) error {
	var now unix.Stat_t
	err := unix.Fstat(int(f.Fd()), &now)
	if err == nil && (now.Size != info.Size || stamp(&now) != stamp(info)) {
		err = errors.New("changed while it was read")
	}
	return err
}

// background reads a file in a goroutine, because ctx interrupts neither open(2) of a FIFO nor
// read(2) of a pipe. The goroutine may outlive the reader.
func background(ctx context.Context, open func() (*os.File, error)) io.ReadCloser {
	r, w := io.Pipe()
	stop := context.AfterFunc(ctx, func() { w.CloseWithError(context.Cause(ctx)) })
	go func() {
		defer stop()
		f, err := open()
		if err == nil {
			_, err = io.Copy(w, f)
			f.Close()
		}
		w.CloseWithError(err)
	}()
	return r
}

// closedStream reports whether a stream comes from a file that some users may not read. The
// mode of a nameless pipe means nothing.
func closedStream(f *os.File) bool {
	var info unix.Stat_t
	var fs unix.Statfs_t
	if unix.Fstat(int(f.Fd()), &info) != nil || unix.Fstatfs(int(f.Fd()), &fs) != nil {
		return true
	}
	const sockfs = 0x534f434b // SOCKFS_MAGIC
	return closed(&info) && fs.Type != unix.PIPEFS_MAGIC && fs.Type != sockfs
}

// warnTmpfs warns about a spool that takes RAM.
func (j *job) warnTmpfs(src string, spool *os.File) {
	var fs unix.Statfs_t
	info, err := spool.Stat()
	if err != nil || unix.Fstatfs(int(spool.Fd()), &fs) != nil || fs.Type != unix.TMPFS_MAGIC && uint32(fs.Type) != unix.RAMFS_MAGIC {
		return
	}
	j.warn("%s: takes %s of RAM while the image is built: TMPDIR (%s) is on a tmpfs", src, mebibytes(info.Size()), os.TempDir())
}

// mebibytes returns a size in MiB, rounded up.
func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", (n+1<<20-1)>>20) }
