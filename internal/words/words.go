// Package words puts values into messages.
package words

import "fmt"

// Count returns a number with what it counts: "1 file", "2 files".
func Count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}
