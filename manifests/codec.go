package manifests

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mkinitfs/mkinitfs/compress"
)

// codec is a word that compress and root.payload take.
type codec struct {
	name string
	most int // the highest level; the lowest is 1; 0 without levels
}

// codecs are the codecs that kernels unpack and the builder writes.
var codecs = written()

// payloadCodecs are the codecs of root.payload. auto leaves the choice to the builder.
var payloadCodecs = append([]codec{{"auto", 0}}, codecs...)

func written() []codec {
	var all []codec
	for _, name := range compress.Names() {
		if c, err := compress.Lookup(name); err == nil {
			all = append(all, codec{name, c.MaxLevel})
		}
	}
	return all
}

// ParseCompression reads a codec with an optional level: "xz" or "zstd:19".
// Level 0 is the codec's default.
func ParseCompression(text string) (name string, level int, err error) {
	return parseCompression(text, codecs)
}

func parseCompression(text string, known []codec) (string, int, error) {
	name, number, leveled := strings.Cut(text, ":")
	c, err := findCodec(name, known)
	if err != nil || !leveled {
		return c.name, 0, err
	}
	level, err := c.level(number)
	if err != nil {
		return "", 0, fmt.Errorf("level %s: %w", quote(number), err)
	}
	return c.name, level, nil
}

func findCodec(name string, known []codec) (codec, error) {
	for _, c := range known {
		if c.name == name {
			return c, nil
		}
	}
	return codec{}, unknown("codec", name, codecNames(known), otherWord{"gz", "gzip"}, otherWord{"zst", "zstd"})
}

// levelDoc returns a sentence about the levels of the codecs.
func levelDoc() string {
	var most []string
	for _, c := range codecs {
		if c.most > 0 {
			most = append(most, fmt.Sprintf("%d for %s", c.most, c.name))
		}
	}
	return "How hard it tries, from 1 up: at most " + strings.Join(most, ", ") + "."
}

func codecNames(known []codec) []string {
	var names []string
	for _, c := range known {
		names = append(names, c.name)
	}
	return names
}

func (c codec) level(text string) (int, error) {
	level, err := strconv.Atoi(text)
	switch {
	case c.most == 0:
		return 0, fmt.Errorf("%s takes no level", c.name)
	case err != nil || level < 1 || level > c.most:
		return 0, fmt.Errorf("%s takes 1 to %d", c.name, c.most)
	}
	return level, nil
}

var codecSection = Section{Path: "compress, root.payload", Keys: []Key{
	{Name: "codec", Kind: KindCodec, Values: codecNames(codecs), Doc: "The codec; this or `command` is required."},
	{Name: "level", Kind: KindNumber, Otherwise: "the codec's own", Doc: levelDoc()},
	{Name: "command", Kind: KindTexts, Doc: "A program with its arguments that compresses instead."},
}}

// compression reads the codec under key. whole is where the manifest starts.
func (o *object) compression(key string, known []codec, whole Pos) Compression {
	c := Compression{Pos: whole, Codec: o.section.key(key).Default}
	if n := o.get(key); n != nil {
		o.readCompression(n, key, known, &c)
	}
	return c
}

// readCompression reads the codec in n, found under key: one word, or a mapping of
// codec and level, or of the command that compresses.
func (d *decoder) readCompression(n *node, key string, known []codec, dst *Compression) {
	if n.kind != mapping {
		word := func(text string) (Compression, error) {
			name, level, err := parseCompression(text, known)
			return Compression{Pos: n.pos, Codec: name, Level: level}, err
		}
		if c, ok := take(d, n, key, word); ok {
			*dst = c
		}
		return
	}
	o := d.object(n, key, &codecSection)
	if o.has("command") {
		o.refuse("the command decides over it", "codec", "level")
		if command := d.command(o); len(command) > 0 {
			*dst = Compression{Pos: o.get("command").pos, Command: command, Program: d.program(o.list("command")[0], command[0])}
		}
		return
	}
	name := o.get("codec")
	if name == nil {
		if !o.absent {
			o.errorf(o.pos, "%s needs codec", key)
		}
		return
	}
	c, ok := take(d, name, "codec", func(text string) (codec, error) { return findCodec(text, known) })
	if !ok {
		return
	}
	*dst = Compression{Pos: n.pos, Codec: c.name}
	set(o, "level", &dst.Level, c.level)
}

// program returns the path of the program that n names. A name with a slash is a host path. Any
// other name is looked up in PATH.
func (d *decoder) program(n *node, name string) string {
	if !strings.Contains(name, "/") {
		return name
	}
	return joinProgram(d.hostDir(n, joinProgram), name)
}

func joinProgram(dir, name string) string {
	path := join(dir, name)
	if !strings.Contains(path, "/") {
		path = "./" + path
	}
	return path
}

// command reads a program with its arguments. It returns nil if the list is empty or wrong.
func (d *decoder) command(o *object) []string {
	var words []string
	items := o.list("command")
	for i, item := range items {
		read := parseText
		if i == 0 {
			read = parseWord
		}
		if word, ok := parse(d, item, "command", read); ok {
			words = append(words, word)
		}
	}
	if n := o.get("command"); len(items) == 0 && (n.null || n.kind == list) {
		d.errorf(n.pos, "command is empty, want a program and its arguments")
	}
	if len(words) < len(items) {
		return nil
	}
	return words
}
