package qemu

import (
	"fmt"
	"strings"

	"github.com/mkinitfs/mkinitfs/internal/arch"
)

// board returns the machine that emulates an architecture.
func board(name string) (arch.Board, error) {
	b, ok := arch.BoardOf(name)
	if !ok {
		return b, fmt.Errorf("no machine is known for architecture %q (there are %s)", name, strings.Join(arch.Boards(), ", "))
	}
	return b, nil
}
