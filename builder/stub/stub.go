// Package stub provides the /init of an image: a small static Go program (its
// source is the package init below this one) for one architecture and one codec
// of the payload.
//
// Stubs are never kept in the repository. A release binary carries them; any
// other mkinitfs compiles the one it needs with the Go tool, from the module that
// it was built from itself, and keeps it in a directory that the caller names.
package stub

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/arch"
	"github.com/mkinitfs/mkinitfs/internal/gobuild"
)

// Stub is a compiled stub.
type Stub struct {
	Data      []byte
	SHA256    string // of Data, in hexadecimal
	GoVersion string // that compiled it; "" if it does not say
	Origin    string // "embedded", "cached", "compiled", or the file it was read from
	Unkept    error  // what keeps a compiled one from the cache, or nil
}

// Variant says which stub an image needs.
type Variant struct {
	Arch      string // as in a manifest; "" is this machine's
	Codec     string // of the payload
	Supervise bool   // it stays the first process, around the program
}

// Variants returns the stubs of one architecture.
func Variants(arch string) []Variant {
	var all []Variant
	for _, supervise := range []bool{false, true} {
		for _, codec := range compress.Names() {
			all = append(all, Variant{arch, codec, supervise})
		}
	}
	return all
}

// Tags are the build tags of the stub.
func (v Variant) Tags() []string {
	var tags []string
	if v.Codec != compress.None {
		tags = append(tags, "stub_"+v.Codec)
	}
	if v.Supervise {
		tags = append(tags, tagSupervise)
	}
	return tags
}

const tagSupervise = "stub_supervise"

// FileName returns the name of the stub among embedded stubs.
func (v Variant) FileName() string {
	name := strings.ReplaceAll(v.Arch, "/", "-") + "." + v.Codec
	if v.Supervise {
		name += ".supervise"
	}
	return name + ".zst"
}

// does says in words what the stub does.
func (v Variant) does() string {
	if v.Supervise {
		return "payload " + v.Codec + " and init.supervise"
	}
	return "payload " + v.Codec
}

// Options say where a stub comes from. The zero value compiles one unless it is embedded,
// and keeps nothing.
type Options struct {
	File   string            // a stub to use instead of any other
	Cache  string            // directory for compiled stubs, in a directory of their own; "" for none
	Notice func(text string) // is told of what takes long before that begins; may be nil
}

func (o *Options) setDefaults() {
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
}

// Get returns a stub. One from a file is refused if it is visibly another program.
func Get(ctx context.Context, v Variant, o Options) (*Stub, error) {
	o.setDefaults()
	if o.File != "" {
		return fromFile(ctx, o.File, v)
	}
	if data, ok, err := embedded(v); ok || err != nil {
		return newStub(data, sha256.Sum256(data), "embedded"), err
	}
	s, err := cached(ctx, v, o)
	if err != nil {
		return nil, missing(v, err)
	}
	return s, nil
}

// Find reports whether Get would return a stub, without compiling one. It returns the stub if
// it needs no compiling.
func Find(ctx context.Context, v Variant, o Options) (*Stub, error) {
	o.setDefaults()
	if o.File != "" {
		return fromFile(ctx, o.File, v)
	}
	if data, ok, err := embedded(v); ok || err != nil {
		return newStub(data, sha256.Sum256(data), "embedded"), err
	}
	src, err := sourceDir(ctx, v.Arch, o.Notice)
	if err == nil {
		_, err = gobuild.Version(ctx, src)
	}
	return nil, missing(v, err)
}

// missing is the error that there is no stub.
func missing(v Variant, err error) error {
	if err != nil {
		err = fmt.Errorf("stub for %s with %s: %w", v.Arch, v.does(), err)
	}
	if errors.Is(err, gobuild.ErrNoGo) {
		err = fmt.Errorf("%w\n  install Go, or use a mkinitfs that carries its stubs, or give --stub FILE", err)
	}
	return err
}

func newStub(data []byte, sum [sha256.Size]byte, origin string) *Stub {
	s := &Stub{Data: data, SHA256: hex.EncodeToString(sum[:]), Origin: origin}
	if info, err := buildinfo.Read(bytes.NewReader(data)); err == nil {
		s.GoVersion = info.GoVersion
	}
	return s
}

func fromFile(ctx context.Context, file string, v Variant) (*Stub, error) {
	data, err := readFile(ctx, file)
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("stub: %w", err)
	}
	h, err := arch.ParseFile(data)
	if err != nil {
		return nil, fmt.Errorf("stub %s: not an ELF program: %w", file, err)
	}
	if h.Arch() != arch.GOARCH(cmp.Or(v.Arch, runtime.GOARCH)) {
		return nil, fmt.Errorf("stub %s: is for %v, the image is for %s", file, h, v.Arch)
	}
	if err := checkBuild(data, v); err != nil {
		return nil, fmt.Errorf("stub %s: %w", file, err)
	}
	return newStub(data, sha256.Sum256(data), file), nil
}

// readFile reads a stub of at most 64 MiB. Neither the opening nor the reading of a FIFO ends
// with ctx, so that the goroutine for it may outlive the call.
func readFile(ctx context.Context, name string) ([]byte, error) {
	const most = 64 << 20
	var data []byte
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		var f *os.File
		if f, err = os.Open(name); err != nil {
			return
		}
		defer f.Close()
		if data, err = io.ReadAll(io.LimitReader(f, most+1)); err == nil && len(data) > most {
			err = fmt.Errorf("read %s: no stub is larger than %d MiB", name, most>>20)
		}
	}()
	select {
	case <-done:
		return data, err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// checkBuild refuses a Go program other than the wanted stub. It accepts a program that does
// not say how it was built: the user vouches for that.
func checkBuild(data []byte, want Variant) error {
	info, err := buildinfo.Read(bytes.NewReader(data))
	if err != nil {
		return nil
	}
	const path = module + "/builder/stub/init"
	if info.Path != path {
		return fmt.Errorf("is the program %s, not a stub, which is %s", info.Path, path)
	}
	got := Variant{Arch: want.Arch, Codec: compress.None}
	for _, s := range info.Settings {
		if s.Key != "-tags" {
			continue
		}
		for tag := range strings.SplitSeq(s.Value, ",") {
			name, ok := strings.CutPrefix(tag, "stub_")
			switch {
			case tag == tagSupervise:
				got.Supervise = true
			case ok:
				got.Codec = name
			}
		}
	}
	if got != want {
		return fmt.Errorf("is for %s, the image has %s", got.does(), want.does())
	}
	return nil
}
