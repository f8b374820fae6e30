//go:build linux

package main

import (
	"errors"
	"io"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/mkinitfs/mkinitfs/builder/stub/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/stub/unpack"
)

// decoder decodes one member after another.
type decoder interface {
	io.Reader
	Reset(io.Reader) error
}

// summer is a decoder that sums up what it has read, for a codec that has no
// check of its own.
type summer interface{ Sum32() uint32 }

// unpackRoot unpacks the members: the first, which holds every folder, alone,
// the others by as many workers as there are CPUs and memory for.
func (b *boot) unpackRoot() error {
	fd, err := syscall.Open(b.newroot, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return &pathError{"open", b.newroot, err}
	}
	defer syscall.Close(fd)
	root := unpack.NewRoot(fd)

	members := len(b.plan.Members)
	b.workers = workers(b.plan, b.memory, need(b.plan, int64(syscall.Getpagesize())))
	if members > 0 {
		if err := b.member(root, newDecoder(), 0); err != nil {
			return err
		}
	}
	var (
		next   atomic.Int64
		failed = make(chan error, b.workers)
		done   sync.WaitGroup
	)
	next.Store(1)
	for range b.workers {
		done.Go(func() {
			dec := newDecoder()
			for {
				i := int(next.Add(1) - 1)
				if i >= members {
					return
				}
				if err := b.member(root, dec, i); err != nil {
					next.Store(int64(members))
					failed <- err
					return
				}
			}
		})
	}
	done.Wait()
	select {
	case err := <-failed:
		return err
	default:
	}
	b.entries = root.Entries()
	if b.entries != b.plan.Entries {
		return errors.New("the members hold " + strconv.FormatInt(b.entries, 10) + " entries, the plan says " +
			strconv.FormatInt(b.plan.Entries, 10))
	}
	return root.Finish()
}

// workers is how many members may be in hand at once. Each costs the member as it
// lies on rootfs, which goes only when it is done, and what its decoder holds.
func workers(p *bootplan.Plan, m memory, files int64) int {
	n := min(runtime.NumCPU(), max(len(p.Members)-1, 1))
	var largest int64
	for _, m := range p.Members {
		largest = max(largest, m.Packed)
	}
	free := m.available + packed(p) - files - p.Entries*perInode
	each := largest + 2*p.Window + 1<<20
	return max(1, min(n, int(free/each)))
}

// member unpacks the i-th member and unlinks it, so that memory never holds the
// root twice.
func (b *boot) member(root *unpack.Root, dec decoder, i int) error {
	m := b.plan.Members[i]
	path := "/" + bootplan.MemberName(i)
	fail := func(err error) error {
		if e, ok := err.(*unpack.Error); ok && e.Err == syscall.ENOSPC {
			return hint(&pathError{"unpack", path, err},
				"the root's tmpfs is full: raise root.size or root.inodes, or give the machine more memory")
		}
		return hint(&pathError{"unpack", path, err},
			"the image was changed after it was built, or not all of it was loaded: compare its size and SHA-256 with the build report")
	}
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return fail(err)
	}
	defer syscall.Close(fd)
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return fail(err)
	}
	if st.Size != m.Packed {
		return fail(errors.New(strconv.FormatInt(st.Size, 10) + " bytes, the plan says " + strconv.FormatInt(m.Packed, 10)))
	}
	if err := dec.Reset(descriptor(fd)); err != nil {
		return fail(err)
	}
	archive := &counter{r: dec}
	if _, err := root.Archive(archive); err != nil {
		return fail(err)
	}
	if err := archive.drain(); err != nil { // codecs verify their checks at the end
		return fail(err)
	}
	if archive.n != m.Unpacked {
		return fail(errors.New("unpacks to " + strconv.FormatInt(archive.n, 10) + " bytes, the plan says " +
			strconv.FormatInt(m.Unpacked, 10)))
	}
	if s, ok := dec.(summer); ok {
		if want, err := strconv.ParseUint(m.CRC32, 16, 32); err != nil || uint32(want) != s.Sum32() {
			return fail(errors.New("CRC-32 is " + strconv.FormatUint(uint64(s.Sum32()), 16) + ", the plan says " + m.CRC32))
		}
	}
	atomic.AddInt64(&b.freed, m.Packed)
	if err := syscall.Unlink(path); err != nil {
		return fail(err)
	}
	return nil
}

// counter counts what it reads.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// drain reads to the end of the input.
func (c *counter) drain() error {
	var buf [512]byte
	for {
		_, err := c.Read(buf[:])
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
