package main

import "github.com/mkinitfs/mkinitfs/builder/image"

// verificationJSON is the stable form of what verify prints.
type verificationJSON struct {
	Whole   bool         `json:"whole"`
	Sums    []sumJSON    `json:"sums"`
	Damage  []string     `json:"damage"` // beside these sums, in words
	Rebuild *rebuildJSON `json:"rebuild,omitempty"`
}

type sumJSON struct {
	Of     string `json:"of"`
	Kind   string `json:"kind,omitempty"` // absent for a part without a sum
	State  string `json:"state"`          // "ok", "damaged", "none"
	Damage string `json:"damage,omitempty"`
}

type rebuildJSON struct {
	Manifest  string    `json:"manifest"`
	Identical bool      `json:"identical"`
	Offset    int64     `json:"offset,omitempty"` // of the first byte that differs
	StubHad   *stubJSON `json:"stub_in_image,omitempty"`
	StubHas   *stubJSON `json:"stub_built,omitempty"`
	Diff      *diffJSON `json:"diff,omitempty"` // as diff --json has it
}

type stubJSON struct {
	SHA256    string `json:"sha256"`
	Size      int64  `json:"size"`
	GoVersion string `json:"go,omitempty"`
}

func describeVerification(v *image.Verification, again *rebuilt) verificationJSON {
	d := verificationJSON{Whole: v.Whole(), Sums: []sumJSON{}, Damage: append([]string{}, v.Damage...)}
	for _, s := range v.Sums {
		state := "ok"
		switch {
		case s.Damage != "":
			state = "damaged"
		case s.Kind == "":
			state = "none"
		}
		d.Sums = append(d.Sums, sumJSON{s.Of, s.Kind, state, s.Damage})
	}
	if again == nil {
		return d
	}
	d.Rebuild = &rebuildJSON{Manifest: again.manifest, Identical: again.identical, Offset: again.offset}
	if again.identical {
		d.Rebuild.Offset = 0
		return d
	}
	d.Rebuild.StubHad, d.Rebuild.StubHas = describeStub(again.had), describeStub(again.has)
	diff := describeDiff(again.diff.a, again.diff.b, again.diff.Result)
	d.Rebuild.Diff = &diff
	return d
}

func describeStub(s *image.Stub) *stubJSON {
	if s == nil {
		return nil
	}
	return &stubJSON{s.SHA256, s.Size, s.GoVersion}
}
