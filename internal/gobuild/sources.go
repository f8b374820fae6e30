package gobuild

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Sources returns the files that t is compiled from, as absolute paths: those of all packages
// that can change, with their directories, and each go.mod. It leaves out the standard library
// and the module cache, because go.mod names them by version.
func Sources(ctx context.Context, t Target) ([]string, error) {
	files, err := sources(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("list the source of %s: %w", t.Package, err)
	}
	return files, nil
}

func sources(ctx context.Context, t Target) ([]string, error) {
	env, err := environ(ctx, t.Dir, t.Arch)
	if err != nil {
		return nil, err
	}
	args := []string{"list", "-deps", "-json=Dir,Standard,Module,GoFiles,SFiles,HFiles,SysoFiles,EmbedFiles"}
	if len(t.Tags) > 0 {
		args = append(args, "-tags="+strings.Join(t.Tags, ","))
	}
	out, err := run(ctx, t.Dir, env, append(args, "--", t.Package)...)
	if err != nil {
		return nil, err
	}
	// A package of files that were named has no module.
	mod, err := run(ctx, t.Dir, env, "env", "GOMOD")
	if err != nil {
		return nil, err
	}
	var files []string
	if name := strings.TrimSpace(string(mod)); name != "" && name != os.DevNull {
		files = append(files, name)
	}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		switch err := dec.Decode(&p); {
		case err == io.EOF:
			return files, nil
		case err != nil:
			return nil, err
		case p.Standard || p.Module.Sum != "":
			continue
		}
		if p.Module.GoMod != "" {
			files = append(files, p.Module.GoMod)
		}
		for _, names := range [][]string{p.GoFiles, p.SFiles, p.HFiles, p.SysoFiles, p.EmbedFiles} {
			for _, name := range names {
				file := filepath.Join(p.Dir, name)
				files = append(files, file, filepath.Dir(file))
			}
		}
	}
}

// listed is a package as go list describes it.
type listed struct {
	Dir      string
	Standard bool
	Module   struct{ GoMod, Sum string } // Sum is of a module in the cache

	GoFiles, SFiles, HFiles, SysoFiles, EmbedFiles []string
}
