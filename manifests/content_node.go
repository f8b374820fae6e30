package manifests

import "errors"

// Dir is a directory.
type Dir struct {
	Item
	Attr
}

// FIFO is a named pipe.
type FIFO struct {
	Item
	Attr
}

// Socket is the node of a Unix socket.
type Socket struct {
	Item
	Attr
}

var (
	dirKeys    = []Key{dstKey, modeKey("0755"), ownerKey, mtimeKey, xattrsKey, replaceKey}
	fifoKeys   = []Key{dstKey, modeKey("0644"), ownerKey, mtimeKey, xattrsKey, replaceKey}
	socketKeys = []Key{dstKey, modeKey("0755"), ownerKey, mtimeKey, xattrsKey, replaceKey}
)

func (*Dir) Type() string    { return "dir" }
func (*FIFO) Type() string   { return "fifo" }
func (*Socket) Type() string { return "socket" }

func readDir(o *object) Content {
	d := &Dir{o.item(), o.attr()}
	d.Dst = o.dst().path
	if d.Dst == "/" {
		o.refuse("root.mode is the mode of /", "mode")
	}
	return d
}

func readFIFO(o *object) Content {
	f := &FIFO{o.item(), o.attr()}
	f.Dst = o.dstOf("fifo")
	return f
}

func readSocket(o *object) Content {
	s := &Socket{o.item(), o.attr()}
	s.Dst = o.dstOf("socket")
	return s
}

func (d *Dir) check(root RootType) error  { return errors.Join(d.checkDst(true), d.Attr.check(root)) }
func (f *FIFO) check(root RootType) error { return errors.Join(f.checkDst(false), f.Attr.check(root)) }
func (s *Socket) check(root RootType) error {
	return errors.Join(s.checkDst(false), s.Attr.check(root))
}
