package image

import (
	"bufio"
	"io"
)

const (
	// bufferSize is more than a header with the longest name.
	bufferSize = 64 << 10
	// After a skip, the next read takes so many bytes. Each further read without a skip
	// doubles them: among small entries one read serves many, and among large ones few bytes
	// are read in vain.
	firstRead = 4 << 10
)

// skipReader is a buffered reader that skips without reading if its source can.
type skipReader struct {
	*bufio.Reader
	src *skipSource
}

func newSkipReader(r io.Reader) *skipReader {
	src := &skipSource{r: r, most: firstRead}
	src.skipper, _ = r.(skipper)
	return &skipReader{bufio.NewReaderSize(src, bufferSize), src}
}

// position is the number of bytes that were read or skipped.
func (w *skipReader) position() int64 { return w.src.n - int64(w.Buffered()) }

// Discard skips n bytes and returns how many there were.
func (w *skipReader) Discard(n int) (int, error) {
	held := w.Buffered()
	if n <= held || w.src.skipper == nil {
		return w.Reader.Discard(n)
	}
	w.Reader.Discard(held)
	m, err := w.src.skip(int64(n - held))
	return held + int(m), err
}

// skip is Discard for any number of bytes that an image can have, on 32-bit machines too.
func (w *skipReader) skip(n int64) error {
	for n > 0 {
		m, err := w.Discard(int(min(n, 1<<30)))
		if err != nil {
			return err
		}
		n -= int64(m)
	}
	return nil
}

// skipper skips n bytes. If there are fewer, it returns their number and io.EOF.
type skipper interface {
	skip(n int64) (int64, error)
}

// skipSource is what a skipReader reads from.
type skipSource struct {
	r       io.Reader
	skipper skipper // r as one, or nil
	n       int64   // bytes that were read or skipped
	most    int     // bytes that the next read may have
}

func (s *skipSource) Read(p []byte) (int, error) {
	if s.skipper != nil {
		p = p[:min(len(p), s.most)]
		s.most = min(2*s.most, bufferSize)
	}
	n, err := s.r.Read(p)
	s.n += int64(n)
	return n, err
}

func (s *skipSource) skip(n int64) (int64, error) {
	n, err := s.skipper.skip(n)
	s.n += n
	s.most = firstRead
	return n, err
}

// span is a range of a file. Its reads leave the file's own offset alone.
type span struct {
	*io.SectionReader
}

func newSpan(r io.ReaderAt, begin, end int64) *span {
	return &span{io.NewSectionReader(r, begin, end-begin)}
}

func (s *span) skip(n int64) (int64, error) {
	at, _ := s.Seek(0, io.SeekCurrent)
	if left := s.Size() - at; n > left {
		s.Seek(0, io.SeekEnd)
		return left, io.EOF
	}
	s.Seek(n, io.SeekCurrent)
	return n, nil
}

// imageFile is the image as a file, nil if it can only be read from start to end.
type imageFile struct {
	io.ReaderAt
	begin, size int64 // where the image begins, how long it is
}

// asFile returns r if it is a file of known size that can be read at any offset. A pipe cannot
// seek, and files that the kernel makes up, such as those of /proc, have no size.
func asFile(r io.Reader) *imageFile {
	f, ok := r.(interface {
		io.ReaderAt
		io.Seeker
	})
	if !ok {
		return nil
	}
	begin, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return nil
	}
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil
	}
	if _, err := f.Seek(begin, io.SeekStart); err != nil || end <= begin {
		return nil
	}
	return &imageFile{f, begin, end - begin}
}

// from returns a reader of the image from an offset on.
func (f *imageFile) from(begin, end int64) *skipReader {
	return newSkipReader(newSpan(f, f.begin+begin, f.begin+end))
}
