package fakeroot

import "testing"

func TestPretender(t *testing.T) {
	const fakeroot, pseudo = "/usr/lib/libeatmydata.so:/usr/lib/x86_64-linux-gnu/libfakeroot/libfakeroot-sysv.so", "libpseudo.so"
	for _, test := range []struct {
		env  map[string]string
		want string
	}{
		{nil, ""},
		{map[string]string{"FAKEROOTKEY": "1"}, ""},
		{map[string]string{"LD_PRELOAD": "/usr/lib/libfakeroot/libeatmydata.so"}, ""},
		{map[string]string{"LD_PRELOAD": fakeroot}, "fakeroot"},
		{map[string]string{"LD_PRELOAD": fakeroot, "PSEUDO_UNLOAD": "1"}, "fakeroot"},
		{map[string]string{"LD_PRELOAD": "libfakeroot.so libx.so"}, "fakeroot"},
		{map[string]string{"LD_PRELOAD": pseudo}, "pseudo"},
		{map[string]string{"LD_PRELOAD": pseudo, "PSEUDO_DISABLED": "0"}, "pseudo"},
		{map[string]string{"LD_PRELOAD": pseudo, "PSEUDO_DISABLED": "1"}, ""},
		{map[string]string{"LD_PRELOAD": pseudo, "PSEUDO_UNLOAD": ""}, ""},
	} {
		got := Pretender(func(name string) (string, bool) {
			value, ok := test.env[name]
			return value, ok
		})
		if got != test.want {
			t.Errorf("%v: got %q, want %q", test.env, got, test.want)
		}
	}
}
