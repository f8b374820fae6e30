package compress

import (
	"bufio"
	"io"

	"github.com/mkinitfs/mkinitfs/compress/lzo"
)

// lzo, in the format of lzop, is read and not written. The kernel expects one sum a block and
// checks none (lib/decompress_unlzo.c). With another number of sums it takes part of a sum for
// data.
var lzoCodec = Codec{
	Name:    "lzo",
	Suffix:  ".lzo",
	Config:  "CONFIG_RD_LZO",
	Checked: true,
	rare:    true,
	magic:   []string{lzo.Magic[:4]},
	begin:   lzo.Magic,
	reader:  newLZOReader,
}

func newLZOReader(r *bufio.Reader, n *notes) (io.ReadCloser, error) {
	z, err := lzo.NewReader(r)
	if err != nil {
		return nil, err
	}
	if z.Sums != 1 {
		n.add(NoteRefused, "other than one checksum a block: no kernel takes it (lzop without -C and -F writes what kernels take)")
	}
	if !z.Checked {
		n.add(NoteUnchecked, "no checksum: damage goes unseen")
	}
	return io.NopCloser(z), nil
}
