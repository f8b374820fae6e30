package manifests

import (
	"errors"
	"regexp"
	"strings"
)

// Go is one or more Go programs, compiled for the architecture of the image.
type Go struct {
	Item
	Attr               // Mode nil: 0755
	DstDir   bool      // Dst is a directory that the programs go into under their own names
	Programs []Program // one, or more with DstDir
	Links    []string  // further names of a single program: hard links
}

// Program is the source of a Go program.
type Program struct {
	Src    string // host path, joined with its directory, of a package or a .go file; or an import path with a version
	Module bool   // Src is an import path with a version, as in example.com/cmd/x@v1.2.3
}

var goKeys = []Key{
	{Name: "src", Kind: KindPrograms, Required: true,
		Doc: "The directory of a main package, a .go file, or the import path of a package with a version: compiled without cgo, for `arch`."},
	dstKey.with("The path of the program; with a slash at the end, a directory in which each has the name of its source."),
	modeKey("0755"),
	linksKey.with("Further names of a single program: hard links."),
	ownerKey, mtimeKey, xattrsKey, capsKey, replaceKey,
}

func (*Go) Type() string { return "go" }

func readGo(o *object) Content {
	g := &Go{Item: o.item(), Attr: o.attr(), Links: o.links()}
	dst := o.dst()
	g.Dst, g.DstDir = dst.path, dst.directory
	g.Xattrs = o.withCapabilities(g.Xattrs)
	if n := o.get("src"); n != nil {
		g.Programs = readPrograms(o.decoder, n)
	}
	if len(g.Programs) > 1 {
		if !g.DstDir && g.Dst != "" {
			o.add(o.get("dst").pos, errOneProgram)
		}
		o.refuse("src has several programs", "links")
	}
	return g
}

var errOneProgram = advise("end dst with / to put all of them into that directory", "src has several programs, and dst is one file")

// readPrograms reads one program or a list of them.
func readPrograms(d *decoder, n *node) []Program {
	items := []*node{n}
	if n.kind == list {
		if items = n.items; len(items) == 0 {
			d.errorf(n.pos, "src has no program")
		}
	}
	var programs []Program
	for _, n := range items {
		p, ok := parse(d, n, "src", parseProgram)
		if !ok {
			continue
		}
		if !p.Module {
			p.Src = joinSource(d.hostDir(n, joinSource), p.Src)
		}
		programs = append(programs, p)
	}
	return programs
}

// goVersion matches a version of a module that always means the same source.
var goVersion = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+incompatible)?$`)

// parseProgram reads a host path, or an import path with a version. An import path begins with
// the name of a host, which has a dot in it.
func parseProgram(text string) (Program, error) {
	name, version, versioned := strings.Cut(text, "@")
	host, _, _ := strings.Cut(name, "/")
	if !versioned || !strings.Contains(strings.Trim(host, "."), ".") {
		_, err := parseWord(text)
		return Program{Src: text}, err
	}
	switch {
	case !goVersion.MatchString(version):
		return Program{}, advise("a branch or latest would change the image some day; write ./ in front of a directory",
			"want a whole version behind the @, as in v1.2.3")
	case strings.Contains(name, "...") || strings.HasSuffix(name, "/") || strings.HasPrefix(name, "-"):
		return Program{}, errors.New("want the import path of one package")
	}
	return Program{Src: text, Module: true}, nil
}

func (g *Go) check(root RootType) error {
	var errs []error
	if len(g.Programs) == 0 {
		errs = append(errs, checkSource("go", ""))
	}
	for _, p := range g.Programs {
		errs = append(errs, checkSource("go", p.Src))
		if p.Module {
			errs = append(errs, checkText("src", p.Src, parseProgram))
		}
	}
	if len(g.Programs) > 1 && !g.DstDir {
		errs = append(errs, errOneProgram)
	}
	return errors.Join(errors.Join(errs...), g.checkDst(g.DstDir), g.Attr.check(root), checkLinks(g.Links))
}
