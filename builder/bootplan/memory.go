package bootplan

// The memory that a tmpfs root takes while it is unpacked, as the stub judges it at
// boot and the builder foretells it. Memory is fullest at the end, since nothing
// unpacks to less than it was: all of the root is there then, and of the members
// what the last ones hold.
const (
	perInode = 5 << 8  // what an entry costs the kernel beside the file's pages: inode and dentry, 1.2 KiB on 64 bits
	perTask  = 1 << 20 // what unpacking a member takes beside the window: buffers, tables, a thread
	reserve  = 8 << 20 // this program, the one it starts, and what the kernel keeps free

	// Chunk is how much of a member is read before rootfs gives it back.
	Chunk = 1 << 20
)

// Files is what the root's files fill, in bytes, on pages of a size.
func (p *Plan) Files(pageSize int64) int64 {
	last := len(PageSizes) - 1
	for i, size := range PageSizes {
		if size >= pageSize || i == last {
			return p.Blocks[i] * size
		}
	}
	return 0
}

// Packed is what the members fill.
func (p *Plan) Packed() int64 {
	var n int64
	for _, m := range p.Members {
		n += m.Packed
	}
	return n
}

// Whole is what the unpacked root takes, the program that it is for included.
func (p *Plan) Whole(pageSize int64) int64 {
	return p.Files(pageSize) + p.Entries*perInode + reserve
}

// Peak is what unpacking by one worker takes beyond what is in use before, with
// the members on rootfs. Each further worker takes a Task.
func (p *Plan) Peak(pageSize int64, holes bool) int64 {
	return p.Whole(pageSize) - p.Packed() + p.Task(holes)
}

// Task is what a worker holds: of its member what is not given back yet, which
// without holes is all of it, and what decodes it.
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
