package image

import (
	"reflect"
	"testing"

	"github.com/mkinitfs/mkinitfs/builder/bootplan"
)

// TestBeyondRoot sets each field of a boot plan in turn. A field either becomes a key, or it
// follows from the root and its packing.
func TestBeyondRoot(t *testing.T) {
	follows := map[string]bool{
		"Root": true, "Arch": true, "Payload": true, "Mode": true, "MTime": true, "Once": true, "Entries": true,
		"Window": true, "Blocks": true, "Last": true, "Members": true,
		"Groups": true, "Delay": true, // with User, with OnExit
	}
	values := map[string]any{"Xattrs": "required"}
	fields := reflect.TypeFor[bootplan.Plan]()
	for i := range fields.NumField() {
		name := fields.Field(i).Name
		p := new(bootplan.Plan)
		field := reflect.ValueOf(p).Elem().Field(i)
		switch v, ok := values[name]; {
		case ok:
			field.Set(reflect.ValueOf(v))
		case field.Kind() == reflect.String:
			field.SetString("something")
		case field.Kind() == reflect.Slice:
			field.Set(reflect.MakeSlice(field.Type(), 1, 1))
		case field.Kind() == reflect.Pointer:
			field.Set(reflect.New(field.Type().Elem()))
		case field.CanInt():
			field.SetInt(1)
		case field.CanUint():
			field.SetUint(1)
		}
		if keys := beyond(p, nil); (len(keys) == 1) == follows[name] {
			t.Errorf("%s: got keys %q", name, keys)
		}
	}
}
