package builder

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mkinitfs/mkinitfs/builder/layout"
	"github.com/mkinitfs/mkinitfs/builder/lint"
	"github.com/mkinitfs/mkinitfs/builder/pack"
	"github.com/mkinitfs/mkinitfs/builder/plan"
	"github.com/mkinitfs/mkinitfs/builder/source"
	"github.com/mkinitfs/mkinitfs/builder/stub"
	"github.com/mkinitfs/mkinitfs/builder/translate"
)

func TestSettle(t *testing.T) {
	epoch := int64(7)
	m := parse(t, "", "arch: arm\nroot: {payload: auto}\ncompress: 'gzip:3'")
	n := &notes{}
	s, err := settle(t.Context(), m, Options{Epoch: &epoch, Cache: t.TempDir()}, n)
	if err != nil {
		t.Fatal(err)
	}
	if s.compress.Name != "gzip" || s.compress.Level != 3 || s.payload.Name != "zstd" || !s.payload.Small || s.cache == nil || n.Warnings() != nil {
		t.Errorf("got %+v and warnings %q", s, n.Warnings())
	}
	want := settled{
		arch: "arm/v7", clock: source.Clock{Epoch: 7, Set: true},
		variant: stub.Variant{Arch: "arm/v7", Codec: "zstd"},
	}
	if s.arch != want.arch || s.clock != want.clock || s.variant != want.variant {
		t.Errorf("got %+v, want %+v", s, want)
	}
	// A cache that cannot be written keeps nothing, and the user is warned once.
	s, err = settle(t.Context(), m, Options{Cache: "/dev/null/cache"}, n)
	if err != nil || s.cache != nil || !s.unkept || len(n.Warnings()) != 1 {
		t.Errorf("a cache that cannot be: got %+v, %v and warnings %q", s, err, n.Warnings())
	}
	_, err = settle(t.Context(), parse(t, "", "compress: {command: [no-such-program]}"), Options{}, n)
	if want := "test.yaml:2:21: command \"no-such-program\": "; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got error %v, want %q", err, want)
	}
}

// TestDuring checks that work ends if the stub cannot be made, and that the stub is cancelled
// if work fails.
func TestDuring(t *testing.T) {
	o := Options{Stub: filepath.Join(t.TempDir(), "absent")}
	_, err := stub.During(t.Context(), stub.Variant{Arch: "arm"}, o.stub(), func(ctx context.Context) error {
		<-ctx.Done()
		return ctx.Err()
	})
	if err == nil || !strings.Contains(err.Error(), "absent: no such file") {
		t.Errorf("without a stub: got error %v", err)
	}
	failed := errors.New("failed")
	o = options(t)
	_, err = stub.During(t.Context(), stub.Variant{Arch: "arm/v7"}, o.stub(), func(context.Context) error { return failed })
	if err != failed {
		t.Errorf("when work fails: got error %v, want %v", err, failed)
	}
	s, err := stub.During(t.Context(), stub.Variant{Arch: "arm/v7"}, o.stub(), func(context.Context) error { return nil })
	if err != nil || s == nil {
		t.Errorf("got stub %v and error %v", s, err)
	}
}

// chain runs the stages up to the layout.
func chain(t *testing.T, text string, s *settled, n *notes) (*root, *layout.Layout) {
	t.Helper()
	m := parse(t, "", text)
	env := sourceEnv(m, Options{}, s, n)
	t.Cleanup(func() { env.Close() })
	entries, err := gather(t.Context(), m, env, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r, err := planRoot(m, entries, s.clock.Epoch, n)
	if err != nil {
		t.Fatal(err)
	}
	l, err := layout.Make(r.entries, layoutOptions(m, s, r, n))
	if err != nil {
		t.Fatal(err)
	}
	return r, l
}

func TestStages(t *testing.T) {
	n := &notes{}
	s := &settled{arch: "arm/v7", clock: source.Clock{Epoch: 7, Set: true}}
	const text = `
root: {type: bind, mode: 0700}
init: {exec: /sbin/init, args: [x], rdinit: [/linuxrc]}
contents:
  - {type: file, dst: /sbin/init, content: "#!/bin/sh\n", links: [/bin/init]}
remove: [{path: /usr/**, optional: true}]
`
	m := parse(t, "", text)
	var err error
	if s.compress, err = settleCodec(t.Context(), m.Compress, s.arch, n); err != nil {
		t.Fatal(err)
	}
	if s.payload, err = settleCodec(t.Context(), m.Root.PayloadCompression(), s.arch, n); err != nil {
		t.Fatal(err)
	}
	r, l := chain(t, text, s, n)
	var paths []string
	for _, e := range r.entries {
		paths = append(paths, e.Path)
	}
	want := []string{"/", "/bin", "/bin/init", "/dev", "/dev/console", "/dev/null", "/init", "/sbin", "/sbin/init"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	if r.unpacked != 10 || r.private || r.policy != nil || r.entries[0].Mode != plan.TypeDir|0o700 || r.entries[1].MTime != 7 {
		t.Errorf("got root %+v", r)
	}
	p := l.BootPlan(nil)
	if p.Root != "bind" || p.Arch != "arm/v7" || p.Payload != "none" || p.Exec != "/sbin/init" || len(p.Rdinit) != 1 || p.Entries != 9 {
		t.Errorf("got boot plan %+v", p)
	}

	// The report of a check, and what packing adds.
	_, foreign := lint.Check(lint.Planned(r.entries), translate.Lint(m, s.arch))
	done := &prepared{manifest: m, notes: &notes{Sieve: lint.Sieve{Findings: []lint.Finding{lint.Planning("w")}}}, settled: s, root: r, foreign: foreign, layout: l}
	got := report(done)
	if got.Entries != 9 || got.Unpacked != 10 || got.Arch != "arm/v7" || got.Items[0] != (Item{Place: "test.yaml:6:5", Type: "file", Entries: 4, Unpacked: 10}) || len(got.Warnings) != 1 || got.MinRAM != nil {
		t.Errorf("got report %+v", got)
	}
	packed := reportPacked(done, pack.Result{Size: 100, Segments: []pack.Segment{{Kind: "root", Codec: "gzip", Size: 100, Unpacked: 200}}})
	if packed.Size != 100 || packed.Segments[0].Unpacked != 200 || packed.MinRAM == nil {
		t.Errorf("got report %+v", packed)
	}
}

func TestPlanRootTooMuch(t *testing.T) {
	m := parse(t, "", "output: {max_unpacked: 1}\ncontents: [{type: file, dst: /a, content: four}, {type: hardlink, dst: /b, target: /a}]")
	n := &notes{}
	entries, err := gather(t.Context(), m, sourceEnv(m, Options{}, &settled{}, n), plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = planRoot(m, entries, 0, n)
	want := "test.yaml:2:24: the root's files take 4 bytes, output.max_unpacked allows 1\n" +
		"  the largest paths, in unpacked bytes:\n             4  /a"
	if err == nil || err.Error() != want {
		t.Errorf("got error %v, want %q", err, want)
	}
}
