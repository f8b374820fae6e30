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
		ok := false
		if n.kind == mapping {
			o := o.object(n, key, &earlySection)
			o.require(key)
			set(o, "optional", &f.Optional, parseBool)
			ok = set(o, "src", &f.Src, parseEarly)
		} else {
			f.Src, ok = parse(o.decoder, n, key, parseEarly)
		}
		if ok {
			f.Src = join(o.dir, f.Src)
			files = append(files, f)
		}
	}
	return files
}

// parseEarly reads the name of a file. Standard input is an error.
func parseEarly(text string) (string, error) {
	if text == Stdin {
		return "", errors.New("standard input is for the manifest or an item of contents")
	}
	return parseWord(text)
}
