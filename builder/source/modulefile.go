package source

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"sync"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/kmod"
	"github.com/mkinitfs/mkinitfs/internal/magic"
)

func readInfo(m *moduleFile, r io.ReaderAt) error {
	info, err := kmod.ReadInfo(r)
	if err == nil {
		m.Info = info
	}
	return err
}

// readModules calls read with the content of each file, on all cores.
func readModules(ctx context.Context, j *job, files []*moduleFile, read func(*moduleFile, io.ReaderAt) error) error {
	var workers sync.WaitGroup
	todo := make(chan *moduleFile)
	var mu sync.Mutex
	var problems plan.Errors
	for range min(runtime.GOMAXPROCS(0), len(files)) {
		workers.Add(1)
		go func() {
			defer workers.Done()
			var scratch scratch
			defer scratch.close()
			for m := range todo {
				err := openPlain(ctx, j.Limits, &scratch, m.host, func(r io.ReaderAt) error { return read(m, r) })
				if err != nil {
					mu.Lock()
					problems = append(problems, j.fail(m.host, err, ""))
					mu.Unlock()
				}
			}
		}()
	}
	for _, m := range files {
		j.input(m.host)
		todo <- m
	}
	close(todo)
	workers.Wait()
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return problems.Sorted()
}

// scratch is a nameless file for one decompressed file after the other. It is created when it is
// needed first.
type scratch struct{ file *os.File }

func (s *scratch) close() {
	if s.file != nil {
		s.file.Close()
	}
}

// openPlain calls use with the plain content of a file that may be compressed.
func openPlain(ctx context.Context, l Limits, s *scratch, path string, use func(io.ReaderAt) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<16)
	codec := packedBy(in)
	if codec == nil {
		return use(f)
	}
	if _, err := decompress(ctx, l, s, codec, in); err != nil {
		return err
	}
	return use(s.file)
}

// packedBy returns the codec of a compressed file, or nil.
func packedBy(r *bufio.Reader) *compress.Codec {
	head, _ := r.Peek(magic.HeadSize) // a short file is nothing that is compressed
	codec := compress.Detect(head)
	if codec == nil || codec.Name == compress.None {
		return nil
	}
	return codec
}

// decompress puts the plain content into the scratch file, and returns its size.
func decompress(ctx context.Context, l Limits, s *scratch, codec *compress.Codec, in *bufio.Reader) (int64, error) {
	var err error
	if s.file == nil {
		if s.file, err = nameless(); err != nil {
			return 0, err
		}
	}
	if err := s.file.Truncate(0); err != nil {
		return 0, spoolError(err)
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return 0, spoolError(err)
	}
	out := &counted{w: onDisk{s.file}, left: l.unpacked()}
	for codec != nil {
		err := decodeStream(ctx, out, codec, in, nil)
		if errors.Is(err, errFull) {
			err = l.tooLarge()
		}
		if err != nil {
			return 0, err
		}
		if codec, err = nextStream(in); err != nil {
			return 0, err
		}
	}
	return l.unpacked() - out.left, nil
}

// counted is a writer that takes at most left bytes.
type counted struct {
	w    io.Writer
	left int64
}

var errFull = errors.New("too many bytes")

func (c *counted) Write(p []byte) (int, error) {
	if c.left -= int64(len(p)); c.left < 0 {
		return 0, errFull
	}
	return c.w.Write(p)
}

// unpackInto gives e the plain content of a file that may be compressed. It reports whether the file
// is compressed.
func unpackInto(ctx context.Context, r *moduleReader, e *plan.Entry, path string) (bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 1<<16)
	codec := packedBy(in)
	if codec == nil {
		return false, nil
	}
	var s scratch
	defer s.close()
	size, err := decompress(ctx, r.Limits, &s, codec, in)
	if err != nil {
		return false, err
	}
	r.input(path)
	offset, err := r.spool.add(io.NewSectionReader(s.file, 0, size), size)
	if err != nil {
		return false, err
	}
	e.Size, e.Data = size, plan.Data{At: r.spool.file, Offset: offset}
	return true, nil
}
