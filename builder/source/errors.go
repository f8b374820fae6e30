package source

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/mkinitfs/mkinitfs/builder/plan"
)

// fail returns the problem of a file of the host.
func (j *job) fail(path string, cause error, hint string) *plan.Error {
	if h := (*advice)(nil); hint == "" && errors.As(cause, &h) {
		hint = h.hint
	}
	// The error names the path already.
	if inner := (*fs.PathError)(nil); errors.As(cause, &inner) && inner.Path == path {
		cause = inner.Err
	}
	return &plan.Error{Origin: j.origin, Path: path, Msg: cause.Error(), Hint: hint, Cause: cause}
}

// pretended returns the error for a source that depends on metadata which another program
// pretends.
func (j *job) pretended(src string) *plan.Error {
	msg := fmt.Sprintf("under %s: mkinitfs is a static program and sees owners, modes and device nodes as they are on disk, not as pretended", j.Fakeroot)
	hint := "write a tarball there and pipe it in: tar -cf - . | mkinitfs build "
	if j.from {
		hint += "--from -"
	} else {
		hint += `..., with {type: tar, src: "-"} in the manifest`
	}
	hint += "\n  --ignore-fakeroot takes what is on disk"
	return &plan.Error{Origin: j.origin, Path: src, Msg: msg, Hint: hint}
}

// advice is an error that comes with a hint.
type advice struct {
	error
	hint string
}

func (a *advice) Unwrap() error { return a.error }

// hinted returns err with its hint as a part of its text.
func hinted(err error) error {
	if h := (*advice)(nil); errors.As(err, &h) {
		return fmt.Errorf("%w\n  %s", err, h.hint)
	}
	return err
}

// advise is fmt.Errorf for an error with a hint.
func advise(hint, format string, args ...any) error {
	return &advice{fmt.Errorf(format, args...), hint}
}
