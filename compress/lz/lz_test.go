package lz

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// samples are small, so that they can be searched at every position.
func samples() map[string][]byte {
	rng := rand.New(rand.NewPCG(1, 2))
	few := make([]byte, 1500) // of two values, so that there are many matches
	for i := range few {
		few[i] = byte(rng.IntN(2))
	}
	noise := make([]byte, 1000)
	rand.NewChaCha8([32]byte{3}).Read(noise)
	var words []byte
	for len(words) < 3000 {
		words = fmt.Appendf(words, "%d lib%d.so ", rng.IntN(100), rng.IntN(30))
	}
	return map[string][]byte{
		"empty": nil, "byte": {1}, "pair": {1, 1}, "triple": {1, 1, 1}, "five": {1, 2, 1, 2, 1},
		"zeros": make([]byte, 3000), "few": few, "noise": noise, "words": words,
		"mixed": slices.Concat(words, noise, few, words, noise),
	}
}

// collect returns the matches at each position of data, written size bytes at a time.
func collect(f *Finder, data []byte, size int) [][]Match {
	var all [][]Match
	for data := data; ; {
		n := f.Fill(data[:min(size, len(data))])
		data = data[n:]
		ahead := Ahead + f.config.Nice
		if len(data) == 0 {
			ahead = 1
		}
		for ; len(f.Data)-f.At >= ahead; f.At++ {
			all = append(all, slices.Clone(f.Matches(f.At)))
		}
		if len(data) == 0 {
			return all
		}
	}
}

// nearest returns, by trying all, the match of each length that a longer one at the same or
// a smaller distance does not make needless.
func nearest(data []byte, at int, c Config) []Match {
	var found []Match
	longest, limit := 0, min(c.Nice, len(data)-at)
	for distance := 1; distance <= min(at, c.Window) && longest < limit; distance++ {
		n := 0
		for n < limit && data[at+n] == data[at+n-distance] {
			n++
		}
		if n > longest {
			longest = n
			found = append(found, Match{uint32(n), uint32(distance)})
		}
	}
	return found
}

// Without a bound on nodes, all matches of four bytes and more are found, each the nearest.
// Shorter ones are true and near.
func TestMatches(t *testing.T) {
	for name, data := range samples() {
		for _, c := range []Config{{1 << 16, 273, 1 << 20}, {4096, 64, 1 << 20}, {100, 5, 1 << 20}, {1, 32, 1 << 20}} {
			t.Run(fmt.Sprintf("%s %v", name, c), func(t *testing.T) {
				var f Finder
				f.Reset(c)
				short := func(m Match) bool { return m.Length < shortest }
				for at, got := range collect(&f, data, len(data)) {
					for _, m := range got {
						if want := nearest(data, at, Config{Window: int(m.Distance), Nice: int(m.Length)}); !slices.Contains(want, m) {
							t.Fatalf("at %d: got a match of %v, want one of %v", at, m, want)
						}
					}
					want := slices.DeleteFunc(nearest(data, at, c), short)
					if got = slices.DeleteFunc(got, short); !slices.Equal(got, want) && len(data)-at >= shortest {
						t.Fatalf("at %d: got %v, want %v", at, got, want)
					}
				}
			})
		}
	}
}

// With few nodes matches are lost, and none is wrong: each is longer than the one before, has
// the length that it says, and lies in the window.
func TestDepth(t *testing.T) {
	for name, data := range samples() {
		for _, c := range []Config{{1 << 16, 273, 1}, {4096, 2, 1}, {500, 3, 2}, {4096, 64, 48}} {
			var f Finder
			f.Reset(c)
			for at, got := range collect(&f, data, len(data)) {
				longest := uint32(1)
				for _, m := range got {
					i := at - int(m.Distance)
					if m.Length <= longest || int(m.Length) > c.Nice || int(m.Distance) > c.Window || i < 0 ||
						!bytes.Equal(data[at:at+int(m.Length)], data[i:i+int(m.Length)]) {
						t.Fatalf("%s %v: at %d: got %v", name, c, at, got)
					}
					longest = m.Length
				}
			}
		}
	}
}

// The matches are the same however the data is cut, while the window slides, and in a
// finder that has been used.
func TestWrites(t *testing.T) {
	var data []byte
	for range 15 {
		data = append(data, samples()["mixed"]...)
	}
	c := Config{20_000, 64, 16}
	var f Finder
	f.Reset(c)
	want := collect(&f, data, len(data))
	for _, size := range []int{1 << 20, 70_001, 977} {
		f.Reset(Config{300, 5, 4})
		collect(&f, data[:3000], 3000)
		f.Reset(Config{1 << 20, 64, 4})
		collect(&f, data[:3000], 3000)
		f.Reset(c)
		got := collect(&f, data, size)
		for i := range want {
			if !slices.Equal(got[i], want[i]) {
				t.Fatalf("writes of %d bytes: at %d: got %v, want %v", size, i, got[i], want[i])
			}
		}
	}
}

// Positions are of 32 bits. Before they overflow they begin anew: what was before is lost,
// and what comes is found.
func TestForget(t *testing.T) {
	words := samples()["words"]
	data := bytes.Repeat(words, 120)
	without := func(bytes uint32) int {
		var f Finder
		f.Reset(Config{8192, 64, 16})
		f.last = f.base + bytes
		n := 0
		for at, got := range collect(&f, data, len(data)) {
			for _, m := range got {
				if !slices.Equal(data[at:at+int(m.Length)], data[at-int(m.Distance):][:m.Length]) {
					t.Fatalf("at %d: got %v, want other matches", at, got)
				}
			}
			if len(got) == 0 && len(words) < at && at <= len(data)-shortest {
				n++
			}
		}
		return n
	}
	if n := without(1 << 30); n != 0 {
		t.Errorf("got %d positions without a match, want none", n)
	}
	if n := without(200_000); n == 0 || n > 1000 {
		t.Errorf("it forgets: got %d positions without a match, want few", n)
	}
}

// What is allocated is what Memory says, and only once.
func TestMemory(t *testing.T) {
	data := samples()["mixed"]
	for _, c := range []Config{{1, 273, 1}, {4096, 64, 48}, {1 << 20, 64, 48}, {3 << 20, 273, 512}} {
		var f Finder
		f.Reset(c)
		got := int64(cap(f.buffer)) + 4*int64(cap(f.links)+cap(f.pairs)+cap(f.triples)+cap(f.roots))
		if want := Memory(c); got != want {
			t.Errorf("%v: got %d bytes, want %d", c, got, want)
		}
		use := func() {
			f.Reset(c)
			f.Fill(data)
			for ; f.At < len(f.Data); f.At++ {
				f.Matches(f.At)
			}
		}
		use()
		if n := testing.AllocsPerRun(2, use); n != 0 {
			t.Errorf("%v: got %v allocations in a finder that was used, want 0", c, n)
		}
	}
}
