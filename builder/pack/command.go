package pack

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/compress"
)

// Command is a program of the manifest that compresses its standard input. It runs without a
// shell. It sees only the environment variables that name directories, so that XZ_OPT and its
// like change no image.
type Command struct {
	Words   []string        // of the manifest: the program and its arguments
	Path    string          // of the program
	Version string          // first line of its --version; "" if it gives none
	Codec   *compress.Codec // of its output

	origin string // its place in the manifest
	mu     sync.Mutex
	window int64 // the largest of its streams so far, in bytes
}

// FindCommand looks for the program in words, which stand at origin in the manifest. It runs
// the program on an archive without entries to learn the codec, because that decides which stub
// is needed. Errors are of type [plan.Errors].
func FindCommand(ctx context.Context, origin, program string, words []string) (*Command, error) {
	c := &Command{origin: origin, Words: words}
	var err error
	if c.Path, err = exec.LookPath(program); err != nil {
		if e := (*exec.Error)(nil); errors.As(err, &e) {
			err = e.Err
		}
		return nil, c.fault(err, "")
	}
	_, err = c.encode(ctx, io.Discard, func(w io.Writer) error { return cpio.NewWriter(w).Close() })
	if err != nil {
		return nil, err
	}
	c.Version = c.askVersion(ctx)
	return c, ctx.Err()
}

// prepare returns the program, ready to start. Cancelling kills it and its children.
func (c *Command) prepare(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.Path, args...)
	cmd.Args[0] = c.Words[0]
	cmd.Env = []string{"LC_ALL=C"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	return cmd
}

// versionTimeout is the time that a program may take for --version. A slower program has no
// version.
const versionTimeout = 5 * time.Second

func (c *Command) askVersion(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, versionTimeout)
	defer cancel()
	out, err := c.prepare(ctx, "--version").CombinedOutput()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return strings.ToValidUTF8(strings.TrimSpace(line), "?")
}

// encode compresses the output of write with the program, and passes the result on to w.
// Meanwhile it decodes the result, which must be one stream that a kernel accepts, with the
// same content. It returns the window for decoding it, in bytes.
func (c *Command) encode(ctx context.Context, w io.Writer, write func(io.Writer) error) (int64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := c.prepare(ctx, c.Words[1:]...)
	stderr := &tail{}
	cmd.Stderr = stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return 0, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	if err := cmd.Start(); err != nil {
		return 0, c.fault(err, "")
	}

	var in, out checksum
	pipe := &errorKeeper{w: stdin}
	fed := make(chan error, 1)
	go func() {
		buffered := bufio.NewWriterSize(io.MultiWriter(pipe, &in), 64<<10)
		err := write(buffered)
		if err == nil {
			err = buffered.Flush()
		}
		stdin.Close()
		if err != nil && pipe.err == nil {
			cancel() // the input cannot be read
		}
		fed <- err
	}()

	to := &errorKeeper{w: w}
	window, badStream := c.readBack(io.TeeReader(stdout, to), &out)
	if badStream != nil {
		if to.err != nil {
			cancel()
		}
		io.Copy(io.Discard, stdout) // so that the program can report its error
	}
	badInput := <-fed
	cause := context.Cause(ctx)
	failed := cmd.Wait()
	switch {
	case to.err != nil:
		return 0, to.err
	case badInput != nil && pipe.err == nil:
		return 0, badInput
	case cause != nil:
		return 0, cause
	case failed != nil:
		return 0, c.fault(failed, stderr.String())
	case badStream != nil:
		return 0, c.fault(badStream, "")
	case badInput != nil:
		return 0, c.fault(fmt.Errorf("it did not read all of its input: %w", badInput), stderr.String())
	case in != out:
		return 0, c.fault(errors.New("what it writes unpacks to something else than what it was given"), "")
	}
	return window, nil
}

func (c *Command) readBack(r io.Reader, out io.Writer) (int64, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	head, err := buffered.Peek(compress.HeadSize)
	if err != nil && err != io.EOF {
		return 0, err
	}
	codec, window, err := compress.Inspect(head)
	if err != nil {
		return 0, err
	}
	if c.Codec == nil {
		c.Codec = codec
	} else if c.Codec != codec {
		return 0, fmt.Errorf("it writes %s, after it has written %s", codec.Name, c.Codec.Name)
	}
	z, err := codec.NewReader(buffered)
	if err != nil {
		return 0, err
	}
	defer z.Close()
	if _, err := io.Copy(out, z); err != nil {
		return 0, err
	}
	for _, note := range z.Notes() {
		if note.Code != compress.NoteMemory { // the window is in min_ram
			return 0, &compress.Refused{Reason: codec.Name + ": " + note.Words}
		}
	}
	if _, err := buffered.Peek(1); err == nil {
		return 0, &compress.Refused{
			Reason: codec.Name + ": something follows the first stream or frame, and the kernel unpacks one of an archive",
			Hint:   "have it write a single one",
		}
	} else if err != io.EOF {
		return 0, err
	}
	return window, nil
}

// saw records the window of a stream of the program.
func (c *Command) saw(window int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.window = max(c.window, window)
}

// fault returns an error with the command and its place in the manifest.
func (c *Command) fault(err error, hint string) error {
	if r := (*compress.Refused)(nil); errors.As(err, &r) {
		hint = r.Hint
	}
	return plan.Errors{{
		Origin: c.origin,
		Path:   fmt.Sprintf("command %q", strings.Join(c.Words, " ")),
		Msg:    err.Error(),
		Hint:   strings.ReplaceAll(hint, "\n", "\n  "),
		Cause:  err,
	}}
}

// errorKeeper is a writer that keeps the error of another writer.
type errorKeeper struct {
	w   io.Writer
	err error
}

func (n *errorKeeper) Write(p []byte) (int, error) {
	k, err := n.w.Write(p)
	if err != nil {
		n.err = err
	}
	return k, err
}

// checksum computes a checksum and a length, to compare two streams.
type checksum struct {
	n   int64
	sum uint32
}

func (s *checksum) Write(p []byte) (int, error) {
	s.n += int64(len(p))
	s.sum = crc32.Update(s.sum, crc32.IEEETable, p)
	return len(p), nil
}

// tail is a writer that keeps the end of a program's output.
type tail struct{ kept []byte }

func (t *tail) Write(p []byte) (int, error) {
	const most = 1 << 10
	t.kept = append(t.kept, p...)
	t.kept = t.kept[max(0, len(t.kept)-most):]
	return len(p), nil
}

func (t *tail) String() string {
	return strings.ToValidUTF8(string(bytes.TrimSpace(t.kept)), "?")
}
