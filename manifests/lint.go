package manifests

// Lint says which rules do not count for the image.
type Lint struct {
	Ignore []LintCode // in the order of the manifest
}

// LintCode is the code of a rule. The builder knows which codes there are.
type LintCode struct {
	Pos  Pos
	Code string
}

var lintSection = Section{Path: "lint", Keys: []Key{
	{Name: "ignore", Kind: KindTexts, Doc: "Codes of rules that `lint`, `check` and `build` ignore; [the rules](lint.md) have them."},
}}

// readLint decodes the section lint of the manifest top.
func readLint(top *object) (l Lint) {
	o := top.object(top.get("lint"), "lint", &lintSection)
	for _, n := range o.list("ignore") {
		if code, ok := take(o.decoder, n, "ignore", parseWord); ok {
			l.Ignore = append(l.Ignore, LintCode{n.pos, code})
		}
	}
	return l
}
