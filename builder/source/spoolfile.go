package source

import (
	"bufio"
	"io"
	"os"
)

// spool is a nameless file that is created when the first data is added.
type spool struct {
	file *os.File // nil until then
	out  *bufio.Writer
	size int64
}

// add adds size bytes from in and returns where they lie. If in is shorter, zeros follow.
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

// end writes the data that is still in memory.
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

// zeros is an endless reader of zeros.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// onDisk is a spool as a writer. Its errors name the directory of the spool.
type onDisk struct{ w io.Writer }

func (d onDisk) Write(p []byte) (int, error) {
	n, err := d.w.Write(p)
	if err != nil {
		err = spoolError(err)
	}
	return n, err
}
