package builder

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
	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// command is a program of the manifest that compresses what it reads. It has no
// shell around it, and of the environment it sees what says where things are, so
// that XZ_OPT and its like decide over no image.
type command struct {
	pos     manifests.Pos
	words   []string
	path    string
	codec   *compress.Codec // of what it writes
	version string          // first line of its --version; "" if it gives none

	mu     sync.Mutex
	window int64 // the largest that it has written
}

// findCommand looks for the program and tries it on an archive without entries, as
// what it writes decides over the stub.
func findCommand(ctx context.Context, m manifests.Compression) (*command, error) {
	c := &command{pos: m.Pos, words: m.Command}
	var err error
	if c.path, err = exec.LookPath(m.Program); err != nil {
		if e := (*exec.Error)(nil); errors.As(err, &e) {
			err = e.Err
		}
		return nil, c.fault(err, "")
	}
	_, err = c.encode(ctx, io.Discard, func(w io.Writer) error { return cpio.NewWriter(w).Close() })
	if err != nil {
		return nil, err
	}
	c.version = c.askVersion(ctx)
	return c, ctx.Err()
}

// prepare returns the program, to be killed with all that it starts itself.
func (c *command) prepare(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, c.path, args...)
	cmd.Args[0] = c.words[0]
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

func (c *command) askVersion(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out, err := c.prepare(ctx, "--version").CombinedOutput()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return strings.ToValidUTF8(strings.TrimSpace(line), "?")
}

// encode has the program compress what write writes, and passes the result on to w
// while it reads it back: it has to be one stream that a kernel takes, and to unpack
// to the same. It returns the window that decoding it takes.
func (c *command) encode(ctx context.Context, w io.Writer, write func(io.Writer) error) (int64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := c.prepare(ctx, c.words[1:]...)
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

	var in, out summed
	pipe := &noting{w: stdin}
	fed := make(chan error, 1)
	go func() {
		buffered := bufio.NewWriterSize(io.MultiWriter(pipe, &in), 64<<10)
		err := write(buffered)
		if err == nil {
			err = buffered.Flush()
		}
		stdin.Close()
		if err != nil && pipe.err == nil {
			cancel() // what is to be compressed cannot be read
		}
		fed <- err
	}()

	to := &noting{w: w}
	window, badStream := c.readBack(io.TeeReader(stdout, to), &out)
	if badStream != nil {
		if to.err != nil {
			cancel()
		}
		io.Copy(io.Discard, stdout) // so that it can say itself what is wrong
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

func (c *command) readBack(r io.Reader, out io.Writer) (int64, error) {
	buffered := bufio.NewReaderSize(r, 64<<10)
	head, err := buffered.Peek(compress.HeadSize)
	if err != nil && err != io.EOF {
		return 0, err
	}
	codec, window, err := compress.Inspect(head)
	if err != nil {
		return 0, err
	}
	if c.codec == nil {
		c.codec = codec
	} else if c.codec != codec {
		return 0, fmt.Errorf("it writes %s, after it has written %s", codec.Name, c.codec.Name)
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

// saw notes what decoding takes of something that the program has written.
func (c *command) saw(window int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.window = max(c.window, window)
}

// fault is an error with the command and its place in the manifest.
func (c *command) fault(err error, hint string) error {
	if r := (*compress.Refused)(nil); errors.As(err, &r) {
		hint = r.Hint
	}
	return manifests.Errors{{
		Pos:  c.pos,
		Msg:  fmt.Sprintf("command %q: %v", strings.Join(c.words, " "), err),
		Hint: strings.ReplaceAll(hint, "\n", "\n  "),
	}}
}

// noting keeps the error of a writer.
type noting struct {
	w   io.Writer
	err error
}

func (n *noting) Write(p []byte) (int, error) {
	k, err := n.w.Write(p)
	if err != nil {
		n.err = err
	}
	return k, err
}

// summed tells two runs of bytes apart.
type summed struct {
	n   int64
	sum uint32
}

func (s *summed) Write(p []byte) (int, error) {
	s.n += int64(len(p))
	s.sum = crc32.Update(s.sum, crc32.IEEETable, p)
	return len(p), nil
}

// tail keeps the end of what a program says.
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
