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
	_ "unsafe" // for go:linkname

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
	"github.com/mkinitfs/mkinitfs/builder/unpack"
)

// setGCPercent is runtime/debug.SetGCPercent without that package, which costs 176 KB. It was
// booted with Go 1.24.11, 1.25.5, 1.26.8 and 1.27rc1.
//
//go:linkname setGCPercent runtime/debug.setGCPercent
func setGCPercent(percent int32) int32

// decoder decodes one member after another.
type decoder interface {
	unpack.Pieces
	Reset(io.Reader) error
}

// chunk is the buffer for a decoder that only copies.
type chunk [64 << 10]byte

func (c *chunk) next(r io.Reader) ([]byte, error) {
	for {
		n, err := r.Read(c[:])
		if n > 0 {
			return c[:n], nil // an error comes again
		}
		if err != nil {
			return nil, err
		}
	}
}

// summer is a decoder that sums up what it has read, for a codec that has no
// check of its own.
type summer interface{ Sum32() uint32 }

// unpackRoot unpacks the members. The first holds every directory and comes before all others.
// Then there is a worker for each CPU, as far as memory allows.
func (b *boot) unpackRoot() error {
	fd, err := syscall.Open(b.newroot, syscall.O_RDONLY|syscall.O_DIRECTORY|syscall.O_CLOEXEC, 0)
	if err != nil {
		return failure("open", b.newroot, err)
	}
	defer syscall.Close(fd)
	root := unpack.NewRoot(fd)

	members := len(b.plan.Members)
	b.workers = b.tasks()
	setGCPercent(20) // names and paths are all the garbage there is
	decoders := make([]decoder, b.workers)
	for i := range decoders {
		decoders[i] = newDecoder()
	}
	if members > 0 {
		if err := b.member(root, decoders[0], 0); err != nil {
			return err
		}
	}
	var (
		order  = b.largestFirst()
		next   atomic.Int64
		failed = make(chan error, b.workers)
		done   sync.WaitGroup
	)
	for _, dec := range decoders {
		done.Go(func() {
			for {
				i := int(next.Add(1) - 1)
				if i >= len(order) {
					return
				}
				if err := b.member(root, dec, order[i]); err != nil {
					next.Store(int64(len(order)))
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
	if want := b.plan.Entries - int64(len(b.plan.Once)); b.entries != want {
		return differs("the members hold ", b.entries, want, " entries")
	}
	if err := root.Finish(); err != nil {
		return err
	}
	return failure("chmod", b.newroot, syscall.Chmod(b.newroot, b.mode)) // rootflags= may know better than the archive
}

// largestFirst returns the order in which the members after the first are unpacked. A large
// member that came last would leave the other workers idle. (Package slices would sort them
// for 4 KB.)
func (b *boot) largestFirst() []int {
	var order []int
	for i := 1; i < len(b.plan.Members); i++ {
		order = append(order, i)
		for k := len(order) - 1; k > 0 && b.plan.Members[order[k-1]].Unpacked < b.plan.Members[i].Unpacked; k-- {
			order[k-1], order[k] = order[k], order[k-1]
		}
	}
	return order
}

// tasks returns how many members may be unpacked at once: the one that Peak counts, and as
// many more as fit in memory.
func (b *boot) tasks() int {
	more := (b.memory.available - b.plan.Peak(int64(syscall.Getpagesize()), b.holes)) / b.plan.Task(b.holes)
	return max(1, min(runtime.NumCPU(), len(b.plan.Members)-1, int(more)+1))
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
	fd, err := syscall.Open(path, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
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
	if err := dec.Reset(&eater{descriptor: descriptor(fd)}); err != nil {
		return err
	}
	archive := unpack.NewSource(dec)
	if err := root.Archive(archive); err != nil {
		return err
	}
	n, err := archive.Drain() // codecs verify their checks at the end
	if err != nil {
		return err
	}
	if n != m.Unpacked {
		return differs("unpacks to ", n, m.Unpacked, " bytes")
	}
	if s, ok := dec.(summer); ok {
		if sum := strconv.FormatUint(uint64(s.Sum32())|1<<32, 16)[1:]; sum != m.CRC32 {
			return errors.New("CRC-32 is " + sum + ", the plan says " + m.CRC32)
		}
	}
	return nil
}

// eater reads a member and gives back to rootfs what has been read, chunk by chunk, so that
// memory never holds a large member and its content whole. A ramfs cannot do that: there the
// member goes when it is unpacked.
type eater struct {
	descriptor
	read, given int64
}

func (e *eater) Read(p []byte) (int, error) {
	const punch, keepSize = 2, 1 // FALLOC_FL_PUNCH_HOLE, FALLOC_FL_KEEP_SIZE
	n, err := e.descriptor.Read(p)
	e.read += int64(n)
	if whole := e.read &^ (bootplan.Chunk - 1); whole > e.given {
		syscall.Fallocate(int(e.descriptor), punch|keepSize, e.given, whole-e.given)
		e.given = whole
	}
	return n, err
}

//go:noinline
func differs(verb string, got, want int64, unit string) error {
	return errors.New(verb + strconv.FormatInt(got, 10) + unit + ", the plan says " + strconv.FormatInt(want, 10))
}
