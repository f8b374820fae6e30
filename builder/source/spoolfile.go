package source

import (
	"bufio"
	"io"
	"os"
)

// spool is a file without a name, made when something is added to it.
type spool struct {
	file *os.File // nil until then
	out  *bufio.Writer
	size int64
}

// add adds what in holds, size bytes, and returns where it lies. Where in ends before, zeros
// follow.
func (s *spool) add(in io.Reader, size int64) (offset int64, err error) {
	if s.file == nil {
		if s.file, err = nameless(); err != nil {
			return 0, err
		}
		s.out = bufio.NewWriterSize(onDisk{s.file}, 256<<10)
	}
	offset = s.size
	s.size += size
	n, err := io.Copy(s.out, io.LimitReader(in, size))
	if err == nil && n < size {
		_, err = io.CopyN(s.out, zeros{}, size-n)
	}
	return offset, err
}

// end writes what is still in memory.
func (s *spool) end() error {
	if s.file == nil {
		return nil
	}
	return s.out.Flush()
}

// Close closes the file.
func (s *spool) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// zeros reads as zeros without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// onDisk is a spool as a writer, whose errors name its directory.
type onDisk struct{ w io.Writer }

func (d onDisk) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	if err != nil {
		err = spoolError(err)
	}
	return n, err
}
