package pack

import (
	"bytes"
	"os"
	"runtime"
	"strconv"

	"github.com/mkinitfs/mkinitfs/builder/layout"
	"github.com/mkinitfs/mkinitfs/compress"
)

// workers returns the number of members that are packed at once with a codec: one for each CPU,
// as far as memory allows.
func workers(c Codec, members []layout.Member) int {
	if c.Name == compress.None {
		return 1 // a second core does not speed up copying
	}
	var largest int64
	for _, m := range members {
		largest = max(largest, m.Size)
	}
	return workersFor(runtime.GOMAXPROCS(0), availableMemory(), share+c.encoderMemory(largest))
}

// workersFor returns the number of workers that fit into the available memory, which is 0 if
// unknown. It leaves a quarter to other uses.
func workersFor(cpus int, available, each int64) int {
	if available == 0 {
		return cpus
	}
	return max(1, int(min(int64(cpus), available/4*3/each)))
}

// availableMemory returns the number of bytes that can be allocated, by the machine and by the
// limit of a container's control group. It is 0 if neither is known.
func availableMemory() int64 {
	var available int64
	info, _ := os.ReadFile("/proc/meminfo")
	if _, after, ok := bytes.Cut(info, []byte("MemAvailable:")); ok {
		kib, _, _ := bytes.Cut(bytes.TrimLeft(after, " "), []byte(" "))
		available, _ = strconv.ParseInt(string(kib), 10, 64)
		available <<= 10
	}
	limit, used := readNumber("/sys/fs/cgroup/memory.max"), readNumber("/sys/fs/cgroup/memory.current")
	if limit > 0 && (available == 0 || limit-used < available) {
		available = max(1, limit-used)
	}
	return available
}

// readNumber returns the number in a file, or 0 if it has none.
func readNumber(name string) int64 {
	b, _ := os.ReadFile(name)
	n, _ := strconv.ParseInt(string(bytes.TrimSpace(b)), 10, 64)
	return n
}
