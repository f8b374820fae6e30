package bootplan

// These constants give the memory that a tmpfs root takes while it is unpacked. The stub checks
// it at boot, and the builder computes min_ram from it. Memory use is highest at the end,
// because unpacked data is never smaller than packed data: all of the root and the last members
// are in memory then.
const (
	perTask = 1 << 20 // bytes for unpacking a member beside the window: buffers, tables, a thread
	reserve = 8 << 20 // bytes for the stub, the program that it starts, and the kernel's reserve

	// PerInode is the number of bytes that an entry takes beside the file's pages: inode and
	// dentry, 1.2 KiB on 64 bits.
	PerInode = 5 << 8

	// Chunk is the number of bytes of a member that are read before rootfs frees them.
	Chunk = 1 << 20
)

// Files returns the bytes that the root's files fill on pages of pageSize bytes.
func (p *Plan) Files(pageSize int64) int64 {
	last := len(PageSizes) - 1
	for i, size := range PageSizes {
		if size >= pageSize || i == last {
			return p.Blocks[i] * size
		}
	}
	return 0
}

// Packed returns the bytes of all packed members.
func (p *Plan) Packed() int64 {
	var n int64
	for _, m := range p.Members {
		n += m.Packed
	}
	return n
}

// Whole returns the bytes that the unpacked root and its program take.
func (p *Plan) Whole(pageSize int64) int64 {
	return p.Files(pageSize) + p.Entries*PerInode + reserve
}

// Peak returns the bytes that unpacking by one worker takes in addition to the memory in use
// before, when the members are on rootfs. Each further worker takes a [Plan.Task].
func (p *Plan) Peak(pageSize int64, holes bool) int64 {
	return p.Whole(pageSize) - p.Packed() + p.Task(holes)
}

// Task returns the bytes that a worker holds: the part of its member that rootfs has not freed
// yet, and the decoder. Without holes rootfs frees nothing until the member is unpacked.
func (p *Plan) Task(holes bool) int64 {
	var largest int64
	for _, m := range p.Members {
		largest = max(largest, m.Packed)
	}
	if holes {
		largest = min(largest, Chunk)
	}
	return largest + p.Window + perTask
}
