//go:build linux

package image

import (
	"fmt"
	"io"
	"sync"
)

// A task for another core has so many bytes at least, because waking a core costs more than
// writing a small file. All files of a waiting task are open.
const (
	batchSize  = 256 << 10
	batchFiles = 32
)

// writers write the content of files that the image holds as it is, during the walk. That does
// not change the order in which files are made.
type writers struct {
	tasks   chan []func() error
	batch   []func() error // for the next task
	size    int64          // bytes that it writes
	group   sync.WaitGroup
	buffers sync.Pool
	mu      sync.Mutex
	err     error // the first
}

func (w *writers) start() {
	w.tasks = make(chan []func() error, 4)
	w.buffers.New = func() any { return new([chunkSize]byte) }
	for range streams() {
		w.group.Go(func() {
			for task := range w.tasks {
				for _, write := range task {
					w.note(write())
				}
			}
		})
	}
}

func (w *writers) wait() error {
	w.tasks <- w.batch
	close(w.tasks)
	w.group.Wait()
	return w.err
}

func (w *writers) note(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
}

func (w *writers) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// body returns the body of an entry as one that writes itself.
func (w *writers) body(e *Entry, r io.Reader) io.WriterTo {
	if b, ok := r.(*entryBody); ok && e.Size > 0 {
		if section := b.section(); section != nil {
			return &deferredBody{section, e.Name, w}
		}
	}
	return plainBody{r}
}

type deferredBody struct {
	*io.SectionReader
	name    string
	writers *writers
}

// Defer lets one of the writers call write. It returns the error of earlier writes.
func (l *deferredBody) Defer(write func() error) error {
	w := l.writers
	err := w.failed()
	w.batch = append(w.batch, write)
	if w.size += l.Size(); w.size >= batchSize || len(w.batch) == batchFiles {
		w.tasks <- w.batch
		w.batch, w.size = nil, 0
	}
	return err
}

func (l *deferredBody) WriteTo(w io.Writer) (int64, error) {
	buf := l.writers.buffers.Get().(*[chunkSize]byte)
	defer l.writers.buffers.Put(buf)
	n, err := io.CopyBuffer(w, struct{ io.Reader }{l.SectionReader}, buf[:])
	if err == nil && n < l.Size() {
		err = fmt.Errorf("read %q: %w", l.name, io.ErrUnexpectedEOF)
	}
	return n, err
}

// plainBody is a body that writes itself.
type plainBody struct{ io.Reader }

func (c plainBody) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, c.Reader) }
