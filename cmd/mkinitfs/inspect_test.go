package main

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// TestPlanJSON sets every field of a boot plan: the JSON changes, unless the field is a member
// or something that only the stub needs.
func TestPlanJSON(t *testing.T) {
	left := []string{"Mode", "MTime", "Once", "Window", "Blocks", "Last", "Members"} // of which the root and the members tell
	with := map[string]bootplan.Plan{
		"Delay":  {OnExit: "restart", Delay: 1},
		"Groups": {User: &bootplan.User{}, Groups: []uint32{7}},
		"Rdinit": {Rdinit: []bootplan.Rdinit{{Name: "/linuxrc"}}},
	}
	text := func(p *bootplan.Plan) string {
		b, err := json.Marshal(describePlan(p))
		check(t, err)
		return string(b)
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[bootplan.Plan]()) {
		p, ok := with[field.Name]
		if v := reflect.ValueOf(&p).Elem().FieldByIndex(field.Index); !ok {
			switch v.Kind() {
			case reflect.String:
				v.SetString("x")
			case reflect.Int64:
				v.SetInt(7)
			case reflect.Uint32:
				v.SetUint(7)
			case reflect.Slice:
				v.Set(reflect.MakeSlice(v.Type(), 1, 1))
			case reflect.Pointer:
				v.Set(reflect.New(v.Type().Elem()))
			}
		}
		if changed := text(&p) != text(&bootplan.Plan{}); changed == slices.Contains(left, field.Name) {
			t.Errorf("%s: the JSON changes: %v", field.Name, changed)
		}
	}
}
