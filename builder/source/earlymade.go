package source

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/cpio"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/compress"
	"github.com/mkinitfs/mkinitfs/internal/earlyfile"
	"github.com/mkinitfs/mkinitfs/manifests"
)

// madeEarly is a type of files that an archive for the start of the image is made of.
type madeEarly struct {
	kind  manifests.EarlyType
	dirs  []string // these, if they exist, are read instead of a directory that holds them
	take  []string // patterns of the names that a directory is read for
	leave []string // patterns of names that mean no harm there
	none  string   // the error for a directory without such a file
	align int64    // of the files in memory
	check func(j *job, host string, data []byte) (name string, err error)
}

// madeEarlies are the types. linux-firmware has signatures and a text beside microcode. A table
// has its source beside it.
//
// Intel's processors demand microcode at a multiple of 16, and kernels load it from where it lies
// (Intel SDM, volume 3, "Update Loading Procedure"). Tables are copied first.
var madeEarlies = []madeEarly{
	{
		kind: manifests.EarlyMicrocode, dirs: []string{"amd-ucode", "intel-ucode"},
		take: []string{"*"}, leave: []string{".*", "*.asc", "README*", "LICENSE*", "license*"},
		none: "no microcode in the directory", align: 16, check: checkMicrocode,
	},
	{
		kind: manifests.EarlyACPI, take: []string{"*.aml", "*.AML"}, leave: []string{".*", "*.dsl"},
		none: "no *.aml in the directory", align: 4, check: checkTable,
	},
}

// archive passes an archive of an item's files to env.Early. An error is of type [plan.Errors], or
// ctx's.
func (m *madeEarly) archive(ctx context.Context, j *job, file manifests.EarlyFile) error {
	hosts, err := m.find(j, file)
	if err != nil || hosts == nil {
		return err
	}
	bodies, private, err := m.read(ctx, j, hosts)
	if err != nil {
		return err
	}
	at, err := m.write(j, bodies)
	if err != nil {
		return plan.Errors{j.fail(file.Src, err, "")}
	}
	early := Early{At: at, Align: m.align, Origin: j.origin, Private: private, Made: m.kind, src: file.Src}
	if err := early.read(ctx, j, file.Src); err != nil {
		return archiveProblem(ctx, j, file.Src, err)
	}
	if j.Early != nil {
		j.Early(early)
	}
	return nil
}

// find returns the files of the item in their order: those of a directory sorted by name. It
// returns nil if a source is missing that may be.
func (m *madeEarly) find(j *job, file manifests.EarlyFile) ([]string, error) {
	info, err := os.Stat(file.Src)
	switch {
	case errors.Is(err, fs.ErrNotExist) && file.Optional:
		j.inputAbove(file.Src)
		return nil, nil
	case errors.Is(err, fs.ErrNotExist):
		return nil, plan.Errors{j.fail(file.Src, err, "optional: true beside src allows that")}
	case err != nil:
		return nil, plan.Errors{j.fail(file.Src, err, "")}
	case !info.IsDir():
		return []string{file.Src}, nil
	}
	var hosts []string
	for _, dir := range m.within(j, file.Src) {
		found, err := m.list(j, dir)
		if err != nil {
			return nil, plan.Errors{j.fail(dir, err, "")}
		}
		hosts = append(hosts, found...)
	}
	if hosts == nil {
		return nil, plan.Errors{j.fail(file.Src, errors.New(m.none), "")}
	}
	return hosts, nil
}

// within returns the directories to read for a directory.
func (m *madeEarly) within(j *job, src string) []string {
	var dirs []string
	for _, name := range m.dirs {
		dir := filepath.Join(src, name)
		if info, err := os.Stat(dir); err == nil && info.IsDir() {
			dirs = append(dirs, dir)
		}
	}
	if dirs == nil {
		return []string{src}
	}
	j.input(src)
	return dirs
}

// list returns the files to take from a directory. It warns of files of other names.
func (m *madeEarly) list(j *job, dir string) ([]string, error) {
	j.input(dir)
	found, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var hosts []string
	for _, f := range found {
		host := filepath.Join(dir, f.Name())
		switch {
		case matches(m.leave, f.Name()):
		case matches(m.take, f.Name()):
			hosts = append(hosts, host)
		default:
			j.warn("%s: left out: the name is not %s", host, m.take[0])
		}
	}
	return hosts, nil
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		ok, _ := path.Match(p, name)
		return ok
	})
}

// earlyBody is a file of the archive.
type earlyBody struct {
	name  string
	parts [][]byte
	size  int64
}

// maxEarly bounds the files of an item, which are in memory: Intel's microcode for all processors
// takes 15 MiB.
const maxEarly = 64 << 20

// read reads and checks the files, and puts those of one name together. It reports every problem.
func (m *madeEarly) read(ctx context.Context, j *job, hosts []string) (bodies []*earlyBody, private bool, err error) {
	var problems plan.Errors
	var scratch scratch
	defer scratch.close()
	left := int64(maxEarly)
	byName := map[string]*earlyBody{}
	for _, host := range hosts {
		data, closed, err := readEarlyFile(ctx, j, &scratch, host, left)
		if ctx.Err() != nil {
			return nil, false, context.Cause(ctx)
		}
		var name string
		if err == nil {
			name, err = m.check(j, host, data)
			if codec := compress.Detect(data); err != nil && codec != nil && codec.Name == compress.None {
				err = advise("type: cpio takes ready archives", "%w", err)
			}
		}
		if err != nil {
			problems = append(problems, j.fail(host, err, ""))
			continue
		}
		private = private || closed
		left -= int64(len(data))
		b := byName[name]
		if b == nil {
			b = &earlyBody{name: name}
			byName[name] = b
			bodies = append(bodies, b)
		}
		b.parts, b.size = append(b.parts, data), b.size+int64(len(data))
	}
	return bodies, private, problems.Sorted()
}

// readEarlyFile returns the content of a file, decompressed.
func readEarlyFile(ctx context.Context, j *job, s *scratch, host string, most int64) (data []byte, private bool, err error) {
	var info unix.Stat_t
	if err := lookAt(unix.AT_FDCWD, host, true, &info); err != nil {
		return nil, false, err
	}
	switch info.Mode & plan.TypeMask {
	case plan.TypeFile:
	case plan.TypeDir:
		return nil, false, errors.New("is a directory")
	default:
		return nil, false, errors.New("not a regular file")
	}
	if !isDescriptor(host) {
		j.input(host)
	}
	err = openPlain(ctx, j.Limits, s, host, func(r io.ReaderAt) error {
		data, err = io.ReadAll(io.NewSectionReader(r, 0, most+1))
		return err
	})
	if err == nil && int64(len(data)) > most {
		err = errors.New("more than 64 MiB for one item")
	}
	return data, closed(&info), err
}

func checkMicrocode(_ *job, _ string, data []byte) (string, error) {
	return earlyfile.Microcode(data)
}

func checkTable(j *job, host string, data []byte) (string, error) {
	signature, err := earlyfile.Table(data)
	if err != nil && filepath.Ext(host) == ".dsl" {
		return "", advise("iasl "+filepath.Base(host)+" compiles it", "the source of a table")
	}
	if err == nil && !earlyfile.Upgradable(signature) {
		j.warn("%s: no kernel known to mkinitfs takes an ACPI table %s", host, signature)
	}
	return earlyfile.Tables + filepath.Base(host), err
}

// write writes the archive to a nameless file, which stays open until the [Env] is closed.
func (m *madeEarly) write(j *job, bodies []*earlyBody) (*os.File, error) {
	f, err := nameless()
	if err != nil {
		return nil, err
	}
	j.keep(f)
	out := bufio.NewWriterSize(onDisk{f}, 1<<16)
	w := cpio.NewWriter(out)
	ino := uint32(0)
	header := func(name string, mode, nlink uint32, size int64) *cpio.Header {
		ino++
		return &cpio.Header{Name: name, Ino: ino, Mode: mode, Nlink: nlink, MTime: j.Clock.Epoch, Size: size}
	}
	for _, dir := range parents(bodies[0].name) {
		if err := w.WriteHeader(header(dir, cpio.TypeDir|0o755, 2, 0)); err != nil {
			return nil, err
		}
	}
	for _, b := range bodies {
		if err := w.WriteAligned(header(b.name, cpio.TypeFile|0o644, 1, b.size), m.align); err != nil {
			return nil, err
		}
		for _, part := range b.parts {
			if _, err := w.Write(part); err != nil {
				return nil, err
			}
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	if err := out.Flush(); err != nil {
		return nil, err
	}
	_, err = f.Seek(0, io.SeekStart)
	return f, err
}

// parents returns the directories above a name, the highest first. All files of one archive have
// the same.
func parents(name string) []string {
	var dirs []string
	for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
		dirs = append([]string{dir}, dirs...)
	}
	return dirs
}
