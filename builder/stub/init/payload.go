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
		return failure("open", b.newroot, err)
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
		return differs("the members hold ", b.entries, b.plan.Entries, " entries")
	}
	if err := root.Finish(); err != nil {
		return err
	}
	return failure("chmod", b.newroot, syscall.Chmod(b.newroot, b.mode)) // rootflags= may know better than the archive
}

// workers is how many members may be in hand at once: one, which peak counts, and
// as many more as there is memory for. Each takes the member as it lies on rootfs,
// which goes only when it is done, and what its decoder holds.
func workers(p *bootplan.Plan, m memory, files int64) int {
	var largest int64
	for _, m := range p.Members {
		largest = max(largest, m.Packed)
	}
	more := (m.available - peak(p, files)) / (largest + p.Window + 1<<20)
	return max(1, min(runtime.NumCPU(), len(p.Members)-1, int(more)+1))
}

// peak is the memory that unpacking takes beyond what is in use before: the files
// as they appear, less the members as they go, with a decoder, this program and
// the kernel's reserves. files is what the files fill in the end.
func peak(p *bootplan.Plan, files int64) int64 {
	const reserve = 8 << 20
	var unpacked, gone, total int64
	for _, m := range p.Members {
		total += m.Unpacked
	}
	all := files + p.Entries*perInode
	most := all - packed(p)
	for _, m := range p.Members {
		unpacked += m.Unpacked
		now := all >> 10 * unpacked / max(total, 1) << 10 // pages and inodes come in proportion
		most = max(most, now-gone)
		gone += m.Packed
	}
	return most + p.Window + reserve
}

// member unpacks the i-th member and unlinks it, so that memory never holds the
// root twice.
func (b *boot) member(root *unpack.Root, dec decoder, i int) error {
	m := b.plan.Members[i]
	path := "/" + bootplan.MemberName(i)
	err := unpackMember(root, dec, path, m)
	if err == nil {
		b.freed.Add(m.Packed)
		return failure("unlink", path, syscall.Unlink(path))
	}
	advice := "the image was changed after it was built, or not all of it was loaded: compare its size and SHA-256 with the build report"
	if e, ok := err.(*unpack.Error); ok && e.Err == syscall.ENOSPC {
		advice = "the root's tmpfs is full: raise root.size or root.inodes, or give the machine more memory"
	}
	return hint(failure("unpack", path, err), advice)
}

func unpackMember(root *unpack.Root, dec decoder, path string, m bootplan.Member) error {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return err
	}
	if st.Size != m.Packed {
		return differs("has ", st.Size, m.Packed, " bytes")
	}
	if err := dec.Reset(descriptor(fd)); err != nil {
		return err
	}
	archive := &counter{r: dec}
	if _, err := root.Archive(archive); err != nil {
		return err
	}
	if err := archive.drain(); err != nil { // codecs verify their checks at the end
		return err
	}
	if archive.n != m.Unpacked {
		return differs("unpacks to ", archive.n, m.Unpacked, " bytes")
	}
	if s, ok := dec.(summer); ok {
		if sum := strconv.FormatUint(uint64(s.Sum32())|1<<32, 16)[1:]; sum != m.CRC32 {
			return errors.New("CRC-32 is " + sum + ", the plan says " + m.CRC32)
		}
	}
	return nil
}

//go:noinline
func differs(verb string, got, want int64, unit string) error {
	return errors.New(verb + strconv.FormatInt(got, 10) + unit + ", the plan says " + strconv.FormatInt(want, 10))
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
