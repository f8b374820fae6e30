package envelope

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strings"
	"unicode"

	"github.com/mkinitfs/mkinitfs/internal/arch"
)

// UImage is a uImage of type ramdisk that is to be written. Its os is linux, its compression
// none: U-Boot leaves decompressing a ramdisk to the kernel.
type UImage struct {
	Arch        string // a name that package arch knows, also of a foreign architecture
	Time        int64  // seconds since 1970, until 2106
	Load, Entry uint32 // addresses, which U-Boot shows and does not use for a ramdisk
	Name        string // printable, at most 32 bytes, which need no zero behind them
}

// Check returns an error if the header cannot hold a field.
func (u *UImage) Check() error {
	if _, ok := arch.UBoot(u.Arch); !ok {
		return fmt.Errorf("U-Boot has no number for the architecture %s", u.Arch)
	}
	if u.Time < 0 || u.Time > math.MaxUint32 {
		return fmt.Errorf("the time %d is not in a uImage's range, 0 to %d", u.Time, uint32(math.MaxUint32))
	}
	return CheckUImageName(u.Name)
}

// CheckUImageName returns an error if a uImage cannot have the name.
func CheckUImageName(name string) error {
	if most := len(uImageHeader{}.Name); len(name) > most {
		return fmt.Errorf("the name %q has %d bytes, a uImage holds %d", name, len(name), most)
	}
	if strings.ContainsFunc(name, unicode.IsControl) {
		return fmt.Errorf("the name %q has a control character, which U-Boot would print", name)
	}
	return nil
}

// Size returns the size of the uImage around an image of n bytes, or n if u is nil.
func (u *UImage) Size(n int64) int64 {
	if u == nil {
		return n
	}
	return uImageHeaderSize + n
}

// Write writes the header and the image to w. It reads the image twice, because the header
// holds the sum of it.
func (u *UImage) Write(w io.Writer, image *io.SectionReader) error {
	if err := u.Check(); err != nil {
		return err
	}
	if image.Size() > math.MaxUint32 {
		return fmt.Errorf("the image has %d bytes, a uImage holds %d", image.Size(), uint32(math.MaxUint32))
	}
	sum, err := copySummed(io.Discard, image)
	if err != nil {
		return err
	}
	if _, err := w.Write(u.header(uint32(image.Size()), sum)); err != nil {
		return err
	}
	again, err := copySummed(w, image)
	if err == nil && again != sum {
		err = errors.New("the image has changed while it was read")
	}
	return err
}

// header returns the bytes of the header.
func (u *UImage) header(size, sum uint32) []byte {
	h := uImageHeader{
		Magic: uImageMagic, Time: uint32(u.Time), Size: size, Load: u.Load, Entry: u.Entry, DataCRC: sum,
		OS: uImageLinux, Type: uImageRamdisk,
	}
	h.Arch, _ = arch.UBoot(u.Arch)
	copy(h.Name[:], u.Name)
	b := make([]byte, uImageHeaderSize)
	_, _ = binary.Encode(b, binary.BigEndian, &h) // fails only if b is too short
	binary.BigEndian.PutUint32(b[4:], crc32.ChecksumIEEE(b))
	return b
}

// copySummed copies all of the image and returns its CRC-32.
func copySummed(w io.Writer, image *io.SectionReader) (uint32, error) {
	sum := crc32.NewIEEE()
	n, err := io.Copy(io.MultiWriter(w, sum), io.NewSectionReader(image, 0, image.Size()))
	if err == nil && n < image.Size() {
		err = errors.New("the image has become shorter while it was read")
	}
	return sum.Sum32(), err
}
