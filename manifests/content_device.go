package manifests

import (
	"errors"
	"fmt"
)

// Char is a character device.
type Char struct {
	Item
	Attr
	Device
}

// Block is a block device.
type Block struct {
	Item
	Attr
	Device
}

// Device is the number of a device node.
type Device struct{ Major, Minor uint32 }

var (
	devKey    = Key{Name: "dev", Kind: KindDevice, Required: true, Doc: "The number of the device."}
	charKeys  = []Key{dstKey, devKey, modeKey("0600"), ownerKey, mtimeKey, xattrsKey, replaceKey}
	blockKeys = charKeys
)

func (*Char) Type() string  { return "char" }
func (*Block) Type() string { return "block" }

func readChar(o *object) Content {
	c := &Char{Item: o.item(), Attr: o.attr()}
	c.Dst = o.dstOf("char")
	set(o, "dev", &c.Device, parseDevice)
	return c
}

func readBlock(o *object) Content {
	b := &Block{Item: o.item(), Attr: o.attr()}
	b.Dst = o.dstOf("block")
	set(o, "dev", &b.Device, parseDevice)
	return b
}

func (c *Char) check(root RootType) error {
	return errors.Join(c.checkDst(false), c.Attr.check(root), c.Device.check())
}

func (b *Block) check(root RootType) error {
	return errors.Join(b.checkDst(false), b.Attr.check(root), b.Device.check())
}

func (d Device) check() error {
	return checkText("dev", fmt.Sprintf("%d:%d", d.Major, d.Minor), parseDevice)
}
