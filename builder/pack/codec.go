package pack

import "github.com/mkinitfs/mkinitfs/compress"

// Codec is a codec with its level, or with the command that writes it.
type Codec struct {
	*compress.Codec
	Level   int
	Small   bool     // for a 32-bit machine
	Command *Command // or nil
}

func (c Codec) options(size int64) compress.Options {
	return compress.Options{Level: c.Level, Size: size, Small: c.Small}
}

// Window returns the bytes that a decoder holds for a stream of size unpacked bytes. For a
// command they are known once it has packed everything.
func (c Codec) Window(size int64) int64 {
	if c.Command != nil {
		return c.Command.window
	}
	return c.Codec.Window(c.options(size))
}

// encoderMemory returns the bytes of memory that packing size bytes takes in this process. A
// command takes its memory, which is unknown, in another one.
func (c Codec) encoderMemory(size int64) int64 {
	if c.Command != nil {
		return 0
	}
	return c.Codec.EncoderMemory(c.options(size))
}
