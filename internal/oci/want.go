package oci

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	ispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Want says which image is wanted.
type Want struct {
	Ref      string         // one of its names or its digest; "" if there is one image only
	Platform ispec.Platform // zero if the image is for one platform only
}

// choose returns the candidate that is wanted.
func (w Want) choose(r *reader, all []*candidate) (*candidate, error) {
	if len(all) == 0 {
		return nil, errors.New("has no image")
	}
	named := slices.DeleteFunc(slices.Clone(all), func(c *candidate) bool { return w.Ref != "" && !c.is(w.Ref) })
	if len(named) == 0 {
		return nil, &Hinted{fmt.Sprintf("has no image %.200q", w.Ref), "there are: " + list(all, (*candidate).shown)}
	}
	var images []*candidate
	var missing error
	for _, c := range named {
		err := c.learnPlatform(r)
		switch {
		case errors.Is(err, fs.ErrNotExist): // docker save leaves out what it has not got
			missing = err
		case err != nil:
			return nil, err
		case c.artifact == "":
			images = append(images, c)
		}
	}
	switch {
	case len(images) == 0 && missing != nil:
		return nil, missing
	case len(images) == 0:
		return nil, fmt.Errorf("no image, but an artifact of the type %.100q", named[0].artifact)
	case w.Ref == "" && len(distinct(images, (*candidate).known)) > 1:
		return nil, &Hinted{"has several images", "ref says which one: " + list(images, (*candidate).shown)}
	}
	return w.onPlatform(images)
}

// onPlatform returns the image that fits best.
func (w Want) onPlatform(images []*candidate) (*candidate, error) {
	if w.Platform.Architecture == "" {
		if platforms := distinct(images, (*candidate).on); len(platforms) > 1 {
			return nil, &Hinted{"is for several platforms", "--arch or platform says which one: " + join(platforms)}
		}
		w.Platform = images[0].platform
	}
	best, bestRank := []*candidate(nil), 0
	for _, c := range images {
		switch rank := rank(w.Platform, c.platform); {
		case rank > bestRank:
			best, bestRank = []*candidate{c}, rank
		case rank == bestRank && rank > 0:
			best = append(best, c)
		}
	}
	switch len(best) {
	case 0:
		return nil, &Hinted{"has no image for " + platformName(w.Platform), "it is for: " + list(images, (*candidate).on)}
	case 1:
		return best[0], nil
	}
	names := distinct(best, (*candidate).shown)
	if len(names) < len(best) {
		names = distinct(best, (*candidate).digest)
	}
	return nil, &Hinted{"has several images for " + platformName(w.Platform), "ref says which one: " + join(names)}
}

// learnPlatform finds the platform of an image that the index does not tell. It also finds out
// that something is no image.
func (c *candidate) learnPlatform(r *reader) error {
	if c.placed || c.artifact != "" {
		return nil
	}
	if c.manifest != nil {
		var m ispec.Manifest
		if err := r.document(*c.manifest, &m); err != nil {
			return err
		}
		if t := m.Config.MediaType; t != ispec.MediaTypeImageConfig && t != dockerConfig {
			c.artifact = t
			if m.ArtifactType != "" {
				c.artifact = m.ArtifactType
			}
			return nil
		}
	}
	config, _, err := c.parts(r)
	if err == nil {
		c.placed, c.platform = true, config.Platform
	}
	return err
}

// is reports whether c has the name or the digest ref.
func (c *candidate) is(ref string) bool {
	if ref == c.id.String() || slices.Contains(c.above, ref) {
		return true
	}
	return slices.ContainsFunc(c.names, func(name string) bool { return short(name) == short(ref) })
}

// short returns a name without the registry and the directory that Docker adds.
func short(name string) string {
	return strings.TrimPrefix(strings.TrimPrefix(name, "docker.io/"), "library/")
}

// known returns the names that c is known by. Images for several platforms have the same.
func (c *candidate) known() []string {
	return []string{strings.Join(slices.Sorted(slices.Values(c.names)), "\n")}
}

// shown returns the names of c for messages, or else its digest. A name that is the end of
// another one is left out.
func (c *candidate) shown() []string {
	var names []string
	for _, name := range c.names {
		if !slices.ContainsFunc(c.names, func(other string) bool { return strings.HasSuffix(other, ":"+name) }) {
			names = append(names, fmt.Sprintf("%.200q", name))
		}
	}
	if names == nil {
		return c.digest()
	}
	return names
}

func (c *candidate) on() []string     { return []string{platformName(c.platform)} }
func (c *candidate) digest() []string { return []string{fmt.Sprintf("%q", c.id)} }

// platformName returns a platform as in "linux/arm64/v8".
func platformName(p ispec.Platform) string {
	if p.Architecture == "" {
		return "an unknown platform"
	}
	name := fmt.Sprintf("%.50s/%.50s", p.OS, p.Architecture)
	if p.Variant != "" {
		name += fmt.Sprintf("/%.50s", p.Variant)
	}
	return strings.Trim(strconv.Quote(name), `"`)
}

// rank says how well an image fits: 0 not at all, else the more the better. A machine of one
// variant runs what is for the variants before it.
func rank(want, have ispec.Platform) int {
	if have.Architecture == "" {
		return 1
	}
	if have.OS != want.OS && have.OS != "" || have.Architecture != want.Architecture {
		return 0
	}
	asked, is := variant(want), variant(have)
	w, err1 := strconv.ParseFloat(strings.TrimPrefix(asked, "v"), 64)
	h, err2 := strconv.ParseFloat(strings.TrimPrefix(is, "v"), 64)
	switch {
	case asked == is:
		return 1000
	case err1 != nil || err2 != nil || !(0 <= h && h < w && w < 90):
		return 0
	}
	return 2 + int(10*h)
}

// variant returns the variant of p, with the usual one in the place of none.
func variant(p ispec.Platform) string {
	if p.Variant != "" {
		return p.Variant
	}
	return map[string]string{"amd64": "v1", "arm": "v7", "arm64": "v8"}[p.Architecture]
}

// mostListed bounds the length of a message.
const mostListed = 20

// list returns the distinct texts of all.
func list(all []*candidate, text func(*candidate) []string) string { return join(distinct(all, text)) }

func distinct(all []*candidate, text func(*candidate) []string) []string {
	var texts []string
	for _, c := range all {
		texts = append(texts, text(c)...)
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

func join(texts []string) string {
	if more := len(texts) - mostListed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(texts[:mostListed], ", "), more)
	}
	return strings.Join(texts, ", ")
}
