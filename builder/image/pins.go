//go:build linux

package image

import (
	"errors"
	"fmt"
)

var (
	errTaken = errors.New("somebody else has moved or replaced it meanwhile")
	errLink  = errors.New("a symbolic link in a directory that others can write to is not followed")
)

// pins remember where names in directories that others can write to led first: to a directory
// that we made or found there, or along a link that we made.
type pins struct {
	byName map[string]pin
	byID   map[fileID]string // the names of the directories that we made
}

type pin struct {
	id     fileID // of a directory
	made   bool   // by us
	target string // of a link that we made
}

func newPins() pins { return pins{map[string]pin{}, map[fileID]string{}} }

// check compares the directory that a name leads to with the first one.
func (p pins) check(name string, found status) error {
	pinned, ok := p.byName[name]
	if !ok {
		p.byName[name] = pin{id: found.id}
		return nil
	}
	if pinned.id != found.id {
		return fmt.Errorf("%s: %w", name, errTaken)
	}
	return nil
}

// made notes a directory that we made. It may reuse the inode of a directory that somebody has
// removed: the name of that one then leads nowhere.
func (p pins) made(name string, id fileID) {
	if before, ok := p.byID[id]; ok {
		p.byName[before] = pin{}
	}
	p.byID[id] = name
	p.byName[name] = pin{id: id, made: true}
}

// forget removes a name, so that it is free for another entry.
func (p pins) forget(name string) {
	if pinned, ok := p.byName[name]; ok && pinned.made {
		delete(p.byID, pinned.id)
	}
	delete(p.byName, name)
}
