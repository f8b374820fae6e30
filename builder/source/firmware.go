package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/internal/follow"
	"github.com/mkinitfs/mkinitfs/internal/kmod"
)

// addFirmware adds the firmware that modules name, and records what is missing.
func addFirmware(ctx context.Context, r *moduleReader, chosen []*moduleFile) error {
	names, by := firmwareOf(chosen)
	f := r.Modules.Firmware
	if f == nil {
		hint := "add firmware: {src: DIR} with a directory such as /lib/firmware"
		r.Env.firmware = append(r.Env.firmware, firmware{r.origin, "", names, r.release, hint})
		return nil
	}
	reader := &firmwareReader{moduleReader: r, ctx: ctx, src: f.Src, added: map[string]bool{}, packed: map[string]string{}}
	missing, err := reader.find(names)
	if err != nil {
		return err
	}
	var hint string
	var problems plan.Errors
	for _, name := range missing {
		e := &plan.Error{Origin: f.Pos.String(), Path: f.Src, Msg: fmt.Sprintf("no firmware %q, which %s names", name, by[name].host)}
		if file := reader.packed[name]; file != "" {
			hint = fmt.Sprintf("Linux %s does not load %s: compress: none stores it unpacked", r.release, file)
			e.Hint = hint
		}
		problems = append(problems, e)
	}
	if f.Missing == "error" {
		return problems.Sorted()
	}
	r.Env.firmware = append(r.Env.firmware, firmware{f.Pos.String(), f.Src, missing, r.release, hint})
	return nil
}

// firmwareOf returns the firmware that modules name, sorted, and a module for each.
func firmwareOf(modules []*moduleFile) (names []string, by map[string]*moduleFile) {
	by = map[string]*moduleFile{}
	for _, m := range modules {
		for _, name := range m.Firmware {
			if by[name] == nil {
				by[name] = m
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names, by
}

// firmwareReader adds firmware from one directory.
type firmwareReader struct {
	*moduleReader
	ctx   context.Context
	src   string
	all   []string        // names of all files, once a pattern needs them
	added map[string]bool // paths in the image

	packed map[string]string // by name: a file that only a later kernel loads
}

// find adds the named firmware and returns the names that are missing.
func (r *firmwareReader) find(names []string) (missing []string, err error) {
	if info, err := os.Stat(r.src); err != nil {
		return nil, r.problem(r.src, errors.Unwrap(err))
	} else if !info.IsDir() {
		return nil, r.problem(r.src, errors.New("not a directory"))
	}
	r.input(r.src)
	for _, name := range names {
		if err := context.Cause(r.ctx); err != nil {
			return nil, err
		}
		found := false
		candidates := []string{name}
		if kmod.IsPattern(name) {
			if candidates, err = r.expand(name); err != nil {
				return nil, err
			}
		}
		for _, name := range candidates {
			ok, err := r.take(name)
			if err != nil {
				return nil, err
			}
			found = found || ok
		}
		if !found {
			missing = append(missing, name)
		}
	}
	return missing, nil
}

// expand returns the names of the files that match a pattern, without suffixes of codecs.
func (r *firmwareReader) expand(pattern string) ([]string, error) {
	if r.all == nil {
		err := filepath.WalkDir(r.src, func(file string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				r.input(file)
				return context.Cause(r.ctx)
			}
			name := strings.TrimPrefix(file[len(r.src):], "/")
			r.all = append(r.all, strings.TrimSuffix(name, packedSuffix(name)))
			return err
		})
		if err != nil {
			return nil, r.problem(r.src, err)
		}
	}
	var found []string
	for _, name := range r.all {
		if ok, err := path.Match(pattern, name); ok && err == nil && !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	return found, nil
}

// take adds the file that the kernel would load for a name. It reports whether there is one.
func (r *firmwareReader) take(name string) (bool, error) {
	if !isFirmware(name) {
		return false, nil
	}
	places := firmwarePlaces(r.release, name)
	if r.Compress == "none" {
		places = packedPlaces(r.release, name)
	}
	for _, place := range places {
		links, end, err := r.follow(place)
		if err != nil {
			return false, r.problem(r.host(place), err)
		}
		var info unix.Stat_t
		file := r.host(end)
		if file == "" || lookAt(unix.AT_FDCWD, file, false, &info) != nil {
			continue
		}
		if info.Mode&plan.TypeMask != plan.TypeFile {
			return false, r.problem(file, errors.New("not a regular file"))
		}
		return true, r.add(links, end, file, &info)
	}
	r.inputAbove(r.host(path.Join(firmwareTop, name)))
	for _, place := range packedPlaces(r.release, name) {
		if _, err := os.Stat(r.host(place)); err == nil {
			r.packed[name] = r.host(place)
			break
		}
	}
	return false, nil
}

// link is a symbolic link on the way to a file.
type link struct{ place, target string }

// follow follows a path of the image through the links of the host. It returns them with the
// place where the path ends.
func (r *firmwareReader) follow(place string) (links []link, end string, err error) {
	end, err = follow.Walk(place, func(place string, _ bool) (string, bool, error) {
		host := r.host(place)
		if host == "" || host == r.src {
			return "", false, nil
		}
		target, err := os.Readlink(host)
		if err != nil {
			return "", false, nil // not a link, or not there
		}
		links = append(links, link{place, target})
		return target, true, nil
	})
	return links, end, err
}

// host returns the path of the host for a path of the image: below the source, or beside it if
// the source is lib/firmware of a root. It returns "" for other paths.
func (r *firmwareReader) host(place string) string {
	if below, ok := underFirmware(place); ok {
		return r.src + below
	}
	abs, err := filepath.Abs(r.src)
	if err != nil {
		return ""
	}
	for _, top := range []string{"/usr" + firmwareTop, firmwareTop} {
		if root, ok := strings.CutSuffix(abs, top); ok {
			return root + place
		}
	}
	return ""
}

// add adds a file and the links that lead to it. If a link leads out of the source, the file
// takes the place of that link.
func (r *firmwareReader) add(links []link, end, file string, info *unix.Stat_t) error {
	for i, l := range links {
		next := end
		if i+1 < len(links) {
			next = links[i+1].place
		}
		if strings.HasPrefix(next, firmwareTop+"/") {
			continue
		}
		if info, err := os.Stat(r.host(l.place)); err == nil && info.IsDir() {
			return r.problem(r.host(l.place), errors.New("a symbolic link to a directory outside of the firmware"))
		}
		links, end = links[:i], l.place
		break
	}
	e := r.file(end)
	if err := r.setContent(e, file, info); err != nil {
		return r.problem(file, err)
	}
	suffix := ""
	if r.Compress == "none" {
		unpacked, err := unpackInto(r.ctx, r.moduleReader, e, file)
		if err != nil {
			return r.problem(file, err)
		}
		if unpacked {
			suffix = packedSuffix(end)
		}
	}
	e.Path = strings.TrimSuffix(e.Path, suffix)
	for _, l := range links {
		to := r.entry(strings.TrimSuffix(l.place, suffix), plan.TypeLink|0o777)
		to.Target, to.MTime = strings.TrimSuffix(l.target, suffix), r.Clock.Epoch
		r.once(to)
	}
	r.once(e)
	return nil
}

// once adds an entry unless its path was added before.
func (r *firmwareReader) once(e *plan.Entry) {
	if !r.added[e.Path] {
		r.added[e.Path] = true
		r.entries = append(r.entries, e)
	}
}
