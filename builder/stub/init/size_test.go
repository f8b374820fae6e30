//go:build linux

package main

import (
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

const (
	kib = int64(1) << 10
	meg = int64(1) << 20
	gib = int64(1) << 30
)

func TestFiles(t *testing.T) {
	p := &bootplan.Plan{Blocks: [3]int64{1000, 300, 90}}
	for pageSize, want := range map[int64]int64{
		4 * kib: 1000 * 4 * kib, 8 * kib: 300 * 16 * kib, 16 * kib: 300 * 16 * kib,
		64 * kib: 90 * 64 * kib, 256 * kib: 90 * 64 * kib,
	} {
		if got := p.Files(pageSize); got != want {
			t.Errorf("pages of %d: got %d, want %d", pageSize, got, want)
		}
	}
}

func TestParseSize(t *testing.T) {
	for _, c := range []struct {
		text string
		want int64
		ok   bool
	}{
		{"0", 0, true},
		{"4096", 4096, true},
		{"1k", kib, true}, {"1K", kib, true},
		{"3m", 3 * meg, true}, {"3M", 3 * meg, true},
		{"2g", 2 * gib, true}, {"2G", 2 * gib, true},
		{"50%", 500, true}, {"100%", 1000, true}, {"0%", 0, true},
		{"4294967296g", 1 << 62, true},
		{"4294967297g", 0, false},
		{"9999999999999999999999", 0, false},
		{"", 0, false}, {"k", 0, false}, {"%", 0, false},
		{"-1", 0, false}, {"1.5g", 0, false}, {"1kk", 0, false}, {"0x10", 0, false}, {" 1", 0, false},
	} {
		got, ok := parseSize(c.text, 1000)
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%q: got %d, %v, want %d, %v", c.text, got, ok, c.want, c.ok)
		}
	}
	if got, ok := parseSize("50%", 0); ok {
		t.Errorf("50%% of an unknown RAM: got %d, want it refused", got)
	}
	if got, ok := parseSize("50%", 150); !ok || got != 50 {
		t.Errorf("50%% of 150 bytes, in whole hundredths: got %d, %v, want 50", got, ok)
	}
}

func TestAutoSize(t *testing.T) {
	for _, c := range []struct {
		what                      string
		files, total, limit, want int64
	}{
		{"small root", 10 * meg, 512 * meg, 400 * meg, 0},
		{"nothing", 0, 64 * meg, 40 * meg, 0},
		{"half the RAM with headroom", 24 * meg, 62 * meg, 50 * meg, 0},
		{"just more than half", 25 * meg, 62 * meg, 50 * meg, 25*meg + 25*meg/8 + 4*meg},
		{"headroom that RAM has no room for", 36 * meg, 62 * meg, 38 * meg, 38 * meg},
		{"no room for headroom at all", 36 * meg, 62 * meg, 36 * meg, 36 * meg},
		{"never below the kernel's default", 30 * meg, 64 * meg, 31 * meg, 0},
	} {
		if got := autoSize(c.files, c.total, c.limit); got != c.want {
			t.Errorf("%s: got %d, want %d", c.what, got, c.want)
		}
	}
}

func TestAutoInodes(t *testing.T) {
	for _, c := range []struct{ entries, pages, want int64 }{
		{0, 16384, 0},
		{7000, 16384, 0},
		{7055, 16384, 0},
		{7056, 16384, 7056 + 882 + 256},
		{7000, 4096, 7000 + 875 + 256}, // 64 KiB pages make fewer of them
	} {
		if got := autoInodes(c.entries, c.pages/2); got != c.want {
			t.Errorf("%d entries, %d pages: got %d, want %d", c.entries, c.pages, got, c.want)
		}
	}
}

func TestRootOptions(t *testing.T) {
	small := bootplan.Plan{Mode: 0o755, Entries: 100, Blocks: [3]int64{256, 100, 50}} // a MiB
	with := func(change func(*bootplan.Plan)) *bootplan.Plan {
		p := small
		change(&p)
		return &p
	}
	large := memory{total: 512 * meg, available: 400 * meg}
	tiny := memory{total: 58 * meg, available: 40 * meg} // a machine of 64 MiB
	for _, c := range []struct {
		what     string
		plan     *bootplan.Plan
		line     string
		memory   memory
		pageSize int64
		want     string
		refused  string
	}{
		{what: "all auto", plan: &small, memory: large, want: "mode=0755"},
		{
			what: "the plan beats auto", memory: large,
			plan: with(func(p *bootplan.Plan) { p.Size, p.Inodes, p.Mode = "8388608", 500, 0o1777 }),
			want: "mode=01777,size=8388608,nr_inodes=500",
		},
		{
			what: "rootflags= beats the plan", memory: large,
			plan: with(func(p *bootplan.Plan) { p.Size, p.Inodes = "8388608", 500 }),
			line: "rootflags=size=25%,nr_inodes=1k,mode=0700,huge=always",
			want: "mode=0700,size=25%,nr_inodes=1k,huge=always",
		},
		{
			what: "the last of an option counts", memory: large, plan: &small,
			line: "rootflags=size=16m,size=32m", want: "mode=0755,size=32m",
		},
		{
			what: "no limits", memory: large, plan: &small,
			line: "rootflags=size=0,nr_inodes=0", want: "mode=0755,size=0,nr_inodes=0",
		},
		{
			what: "foreign and bad options", memory: large, plan: &small,
			line: "rootflags=noatime,compress=lzo,size=much,nr_inodes=5%,mode=9,mode=17777,size,,mode=750", want: "mode=0750",
		},
		{
			what: "a tmpfs by name", memory: large, plan: &small,
			line: "root=tmpfs rootfstype=tmpfs rootflags=mode=700", want: "mode=0700",
		},
		{
			what: "options of another root", memory: large, plan: &small,
			line: "root=/dev/mtdblock2 rootfstype=squashfs rootflags=mode=700,size=4k", want: "mode=0755",
		},
		{
			what: "more than half of a small machine", memory: tiny,
			plan: with(func(p *bootplan.Plan) { p.Blocks[0] = 30 * meg / (4 * kib) }),
			want: "mode=0755,size=39583744",
		},
		{
			what: "the same in pages of 64 KiB", memory: tiny, pageSize: 64 * kib,
			plan:    with(func(p *bootplan.Plan) { p.Blocks = [3]int64{32 * meg / (4 * kib), 0, 45 * meg / (64 * kib)} }),
			refused: "the root needs 55 MiB of RAM beside the image, 40 MiB can be had",
		},
		{
			what: "the members go while the files come", memory: tiny,
			plan: with(func(p *bootplan.Plan) {
				p.Blocks[0] = 34 * meg / (4 * kib)
				p.Members = []bootplan.Member{{Packed: 3 * meg}, {Packed: 2 * meg}}
			}),
			want: "mode=0755,size=44302336",
		},
		{
			what: "many entries on a small machine", memory: tiny,
			plan: with(func(p *bootplan.Plan) { p.Entries = 10_000 }),
			want: "mode=0755,nr_inodes=11506",
		},
		{
			what: "one byte too many", memory: memory{total: 58 * meg, available: 19*meg - 1},
			plan:    with(func(p *bootplan.Plan) { p.Blocks[0], p.Entries = 10*meg/(4*kib), 0 }),
			refused: "the root needs 19 MiB of RAM beside the image, 18 MiB can be had",
		},
		{
			what: "size= is too small", memory: large, plan: &small,
			line: "rootflags=size=1000k", refused: "the root needs 1 MiB, size=1000k allows 0 MiB",
		},
		{
			what: "a percentage is too small", memory: tiny,
			plan:    with(func(p *bootplan.Plan) { p.Size, p.Blocks[0] = "10%", 6*meg/(4*kib) }),
			refused: "the root needs 6 MiB, size=10% allows 5 MiB",
		},
		{
			what: "nr_inodes= is too small", memory: large,
			plan:    with(func(p *bootplan.Plan) { p.Inodes = 99 }),
			refused: "the root has 100 entries, nr_inodes= allows 99",
		},
	} {
		t.Run(c.what, func(t *testing.T) {
			b := &boot{holes: true, plan: c.plan, words: parseCmdline(c.line), memory: c.memory, kmsg: nowhere(t)}
			if c.pageSize == 0 {
				c.pageSize = 4 * kib
			}
			o, err := b.rootOptions(c.pageSize)
			if c.refused != "" {
				if err == nil || err.Error() != c.refused {
					t.Errorf("got %v, %v, want error %q", o, err, c.refused)
				}
				if h, ok := err.(*hinted); !ok || h.hint == "" {
					t.Errorf("got no hint with %v, want one", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, o.String()); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// What is ignored is said.
func TestRootflagsWarnings(t *testing.T) {
	for line, want := range map[string]string{
		"rootflags=size=1g,mode=755":         "",
		"rootflags=mode=755,noatime":         "<4>mkinitfs: rootflags: noatime ignored: not an option of the root's tmpfs, or no value for it\n",
		"rootflags=size=64MB":                "<4>mkinitfs: rootflags: size=64MB ignored: not an option of the root's tmpfs, or no value for it\n",
		"root=/dev/sda1 rootflags=subvol=@":  "<4>mkinitfs: rootflags=subvol=@ ignored: root= or rootfstype= speak of another root\n",
		"root=/dev/sda1 rootfstype=squashfs": "",
	} {
		fd, read := listen(t)
		b := &boot{plan: &bootplan.Plan{}, words: parseCmdline(line), memory: memory{4 * gib, 3 * gib, 0}, kmsg: fd}
		if _, err := b.rootOptions(4 * kib); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, read()); diff != "" {
			t.Errorf("%s: -want +got\n%s", line, diff)
		}
	}
}

func TestWorkers(t *testing.T) {
	members := func(n int, packed int64) []bootplan.Member {
		m := make([]bootplan.Member, n)
		for i := range m {
			m[i].Packed = packed
		}
		return m
	}
	for _, c := range []struct {
		what      string
		members   []bootplan.Member
		window    int64
		available int64
		files     int64
		ramfs     bool
		most      int // at most, whatever the number of CPUs
	}{
		{what: "no members", available: gib, most: 1},
		{what: "the first is alone", members: members(2, meg), available: gib, most: 1},
		{what: "one for each of the others", members: members(3, meg), available: gib, most: 2},
		{what: "memory for one", members: members(100, meg), available: 15 * meg, files: 105 * meg, most: 1},
		{what: "memory for two", members: members(100, meg), available: 17 * meg, files: 105 * meg, most: 2},
		{what: "large windows", members: members(100, meg), window: 16 * meg, available: 30 * meg, files: 100 * meg, most: 1},
		{what: "members that stay whole", members: members(10, 10*meg), available: 41 * meg, files: 105 * meg, ramfs: true, most: 2},
		{what: "no memory at all", members: members(100, meg), files: gib, most: 1},
	} {
		p := &bootplan.Plan{Members: c.members, Window: c.window, Blocks: [3]int64{c.files / (4 * kib), c.files / (16 * kib), c.files / (64 * kib)}}
		b := &boot{plan: p, memory: memory{available: c.available}, holes: !c.ramfs}
		if got := b.tasks(); got != min(c.most, runtime.NumCPU()) {
			t.Errorf("%s: got %d workers, want %d", c.what, got, c.most)
		}
	}
}

func TestMiB(t *testing.T) {
	for n, want := range map[int64]string{0: "0 MiB", meg - 1: "0 MiB", meg: "1 MiB", 3*gib + 1: "3072 MiB"} {
		if got := mib(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 MiB", 1: "1 MiB", meg: "1 MiB", meg + 1: "2 MiB"} {
		if got := mib(roundUp(n)); got != want {
			t.Errorf("%d rounded up: got %s, want %s", n, got, want)
		}
	}
}
