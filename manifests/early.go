package manifests

import "errors"

// EarlyFile is a ready file for the start of the image: raw archives of microcode or ACPI
// tables.
type EarlyFile struct {
	Pos      Pos
	Src      string // host path, joined with its directory
	Optional bool   // a missing file is not an error
}

var earlySection = Section{Path: "early", Keys: []Key{
	{Name: "src", Kind: KindHostPath, Required: true, Doc: "The file."},
	optionalKey,
}}

// readEarly reads the list of files under key, each one word or {src, optional}.
func readEarly(o *object, key string) []EarlyFile {
	var files []EarlyFile
	for _, n := range o.list(key) {
		f := EarlyFile{Pos: n.pos}
		ok, src := false, n
		if n.kind == mapping {
			o := o.object(n, key, &earlySection)
			o.require(key)
			set(o, "optional", &f.Optional, parseBool)
			ok = set(o, "src", &f.Src, parseHostFile)
			src = o.get("src")
		} else {
			f.Src, ok = parse(o.decoder, n, key, parseHostFile)
		}
		if ok {
			f.Src = join(o.hostDir(src, join), f.Src)
			files = append(files, f)
		}
	}
	return files
}

// parseHostFile reads the name of a file. Standard input is an error.
func parseHostFile(text string) (string, error) {
	if text == Stdin {
		return "", errors.New("standard input is for the manifest or an item of contents")
	}
	return parseWord(text)
}
