package manifests

import "errors"

// EarlyFile is a source for the start of the image.
type EarlyFile struct {
	Pos      Pos
	Type     EarlyType
	Src      string // host path, joined with its directory
	Optional bool   // a missing file is not an error
}

// EarlyType says what the source of an [EarlyFile] is.
type EarlyType string

// These are the types. A ready archive is put into the image as it is; of the others the build
// makes archives.
const (
	EarlyCPIO      EarlyType = "cpio"
	EarlyMicrocode EarlyType = "microcode"
	EarlyACPI      EarlyType = "acpi"
)

var earlySection = Section{Path: "early", Keys: []Key{
	{Name: "type", Kind: KindWord, Default: string(EarlyCPIO), Values: []string{string(EarlyCPIO), string(EarlyMicrocode), string(EarlyACPI)},
		Doc: "What the source is: raw archives, microcode, or compiled ACPI tables."},
	{Name: "src", Kind: KindHostPath, Required: true, Doc: "The file, or a directory of microcode or tables."},
	optionalKey,
}}

// readEarly reads the list of files under key, each one word or {type, src, optional}.
func readEarly(o *object, key string) []EarlyFile {
	var files []EarlyFile
	for _, n := range o.list(key) {
		f := EarlyFile{Pos: n.pos, Type: EarlyCPIO}
		ok, src := false, n
		if n.kind == mapping {
			o := o.object(n, key, &earlySection)
			o.require(key)
			choose(o, "type", &f.Type)
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
