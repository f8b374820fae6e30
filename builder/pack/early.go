package pack

import "io"

// Early holds raw archives for the start of the image. The kernel looks there for microcode and
// ACPI tables before it unpacks anything.
type Early struct {
	Archives *io.SectionReader
	Align    int64        // the archives begin at a multiple of it in the image; 0 is any multiple of 4
	Trailer  bool         // the last archive has one
	Check    func() error // returns an error if they changed while they were read
}
