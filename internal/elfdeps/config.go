package elfdeps

import (
	"io"
	"path"
	"strings"
)

// CachePath is the file in which glibc's loader looks for libraries.
const CachePath = "/etc/ld.so.cache"

const (
	confPath  = "/etc/ld.so.conf"
	maxConfig = 16 << 20 // bytes; a larger file is not read
)

// readConfig reads the cache that ldconfig wrote in a root, and the configuration of ldconfig.
func (l *layer) readConfig() {
	if !l.read {
		text, _ := l.text(CachePath)
		l.cache = parseCache([]byte(text))
		l.conf = l.readConf(confPath, 0)
		l.read = true
	}
}

// text returns the content of a file, and whether it could be opened.
func (l *layer) text(name string) (string, bool) {
	f, _, err := l.Open(name)
	if err != nil {
		return "", false
	}
	defer f.Close()
	text, _ := io.ReadAll(io.NewSectionReader(f, 0, maxConfig))
	return string(text), true
}

// Configured returns the directories in the configuration of ldconfig (/etc/ld.so.conf) of all
// roots.
func (r *Resolver) Configured() (dirs []string) {
	for _, layer := range r.layers {
		layer.readConfig()
		dirs = append(dirs, layer.conf...)
	}
	return unique(dirs...)
}

const maxIncludes = 16 // files that include each other

// readConf returns the directories that a configuration file of ldconfig names (parse_conf in
// elf/ldconfig.c).
func (l *layer) readConf(name string, depth int) (dirs []string) {
	if depth > maxIncludes {
		return nil
	}
	text, _ := l.text(name)
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		switch {
		case len(words) == 0 || words[0] == "hwcap":
		case words[0] == "include":
			for _, pattern := range words[1:] {
				if !path.IsAbs(pattern) {
					pattern = path.Join(path.Dir(name), pattern)
				}
				for _, file := range l.glob(pattern) {
					dirs = append(dirs, l.readConf(file, depth+1)...)
				}
			}
		default:
			for dir := range strings.FieldsFuncSeq(line, func(r rune) bool { return strings.ContainsRune(" \t\r\n:,", r) }) {
				dir, _, _ = strings.Cut(dir, "=") // and a type, as in /lib=libc6
				if path.IsAbs(dir) {
					dirs = append(dirs, path.Clean(dir))
				}
			}
		}
	}
	return unique(dirs...)
}

// glob returns the paths that match a pattern, sorted.
func (l *layer) glob(pattern string) []string {
	found := []string{""}
	for part := range strings.SplitSeq(strings.TrimPrefix(pattern, "/"), "/") {
		var next []string
		for _, dir := range found {
			if !strings.ContainsAny(part, `*?[\`) {
				next = append(next, dir+"/"+part)
				continue
			}
			names, _ := l.List(path.Join("/", dir))
			for _, name := range names {
				if matched, _ := path.Match(part, name); matched && (name[0] != '.' || part[0] == '.') {
					next = append(next, dir+"/"+name)
				}
			}
		}
		found = next
	}
	return found
}
