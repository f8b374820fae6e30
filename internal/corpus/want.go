package corpus

import (
	"fmt"
	"slices"
	"strings"
)

// Want holds the results of the images of a case, by their names. Its text has a block for
// each result, with the names and IDs ([Image.ID]) of its images.
type Want map[string]Wanted

// Wanted is the result of an image that had this [Image.ID].
type Wanted struct {
	ID string
	Result
}

// ParseWant reads the text of a .want file.
func ParseWant(text string) (Want, error) {
	want := Want{}
	var names []string
	var block Wanted
	ids := map[string]string{}
	flush := func() {
		for _, name := range names {
			want[name] = Wanted{ids[name], block.Result}
		}
		names, block = nil, Wanted{}
	}
	for n, line := range strings.Split(text, "\n") {
		kind, rest, _ := strings.Cut(line, " ")
		switch {
		case kind == "#":
		case kind == "":
			flush()
		case kind == "image":
			name, id, found := strings.Cut(rest, " ")
			if !found || ids[name] != "" {
				return nil, fmt.Errorf("line %d: image %q has no sum or comes twice", n+1, name)
			}
			names, ids[name] = append(names, name), id
		case len(names) == 0:
			return nil, fmt.Errorf("line %d: %q belongs to no image", n+1, line)
		case kind == "says":
			if rest != "nothing" {
				block.Says = append(block.Says, rest)
			}
		case kind == "lost":
			block.Lost = append(block.Lost, rest)
		default:
			block.Lines = append(block.Lines, line)
		}
	}
	flush()
	return want, nil
}

// Format returns the text of the .want file of a case.
func (w Want) Format(c Case) string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", c.About)
	var texts []string
	blocks := map[string]string{}
	for _, i := range c.Images {
		wanted, ok := w[i.Name]
		if !ok {
			continue
		}
		text := wanted.text()
		if !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
		blocks[text] += fmt.Sprintf("image %s %s\n", i.Name, wanted.ID)
	}
	for _, text := range texts {
		fmt.Fprintf(&b, "\n%s%s", blocks[text], text)
	}
	return b.String()
}
