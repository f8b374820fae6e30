package pack

import (
	"context"
	"os"
	"time"
)

// Device is a device or a FIFO that an image is written to. Its errors are the cause of the
// context once that has ended.
type Device struct {
	*os.File
	ctx  context.Context
	stop func() bool
}

// OpenDevice opens a device or a FIFO for writing. The end of ctx also ends the wait for a
// reader of a FIFO, and writing to a file that takes nothing. Opening is done in a goroutine,
// which may outlive the call, because ctx does not interrupt open(2).
func OpenDevice(ctx context.Context, path string) (*Device, error) {
	type opened struct {
		file *os.File
		err  error
	}
	done := make(chan opened)
	go func() {
		f, err := os.OpenFile(path, os.O_WRONLY, 0)
		select {
		case done <- opened{f, err}:
		case <-ctx.Done():
			f.Close()
		}
	}()
	select {
	case o := <-done:
		if o.err != nil {
			return nil, o.err
		}
		stop := context.AfterFunc(ctx, func() { _ = o.file.SetWriteDeadline(time.Now()) }) // not every device has one
		return &Device{o.file, ctx, stop}, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

func (d *Device) Write(p []byte) (int, error) {
	n, err := d.File.Write(p)
	if err != nil && d.ctx.Err() != nil {
		err = context.Cause(d.ctx)
	}
	return n, err
}

// Close closes the file.
func (d *Device) Close() error {
	d.stop()
	return d.File.Close()
}
