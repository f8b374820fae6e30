package manifests

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestResolve checks that the text of Resolve means the same as the manifests in testdata.
func TestResolve(t *testing.T) {
	for _, file := range glob(t, "testdata/ok/*.yaml") {
		t.Run(stem(file), func(t *testing.T) {
			want, err := parseTestdata(t, file)
			if err != nil {
				t.Fatal(err)
			}
			data, opt := readTestdata(t, file)
			text, err := Resolve(data, opt)
			if err != nil {
				t.Fatal(err)
			}
			got, err := Parse(text, Options{File: opt.File})
			if err != nil {
				t.Fatalf("%v\nin\n%s", err, text)
			}
			same := cmp.Options{cmpopts.IgnoreTypes(Pos{}), cmpopts.IgnoreFields(Manifest{}, "Included", "Warnings")}
			if diff := cmp.Diff(want, got, same); diff != "" {
				t.Errorf("(-manifest +resolved):\n%s\n%s", diff, text)
			}
		})
	}
}
