package testenv_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestKernelWithoutPackages has kernel.sh stop at the first error of apt, with words that
// say what could not be had, and leave nothing behind.
func TestKernelWithoutPackages(t *testing.T) {
	for _, need := range []string{"/usr/bin/apt-get", "/usr/bin/dpkg-deb", "/usr/share/keyrings/debian-archive-keyring.gpg"} {
		if _, err := os.Stat(need); err != nil {
			t.Skip("kernel.sh fetches nothing here:", err)
		}
	}
	const lists = `root=$(sed -n 's/^Dir::State::Lists "\(.*\)";/\1/p' "$APT_CONFIG"); ` +
		`[ $1 = -qq ] && [ $2 = update ] && : >"$root/deb.debian.org_debian_dists_bookworm_main_binary-amd64_Packages" && exit; `
	for _, test := range []struct{ name, get, cache, want string }{
		{"no lists", "echo 'W: Failed to fetch' >&2", "echo went on >&2", "W: Failed to fetch\n" +
			"kernel.sh: cannot fetch the list of packages of Debian bookworm for amd64: apt says above why\n"},
		{"no lists, with a status", "echo 'E: no route' >&2; exit 100", "echo went on >&2", "E: no route\n" +
			"kernel.sh: cannot fetch the list of packages of Debian bookworm for amd64: apt says above why\n"},
		{"no package", lists, "echo 'E: No packages found' >&2; exit 100", "E: No packages found\n" +
			"kernel.sh: Debian bookworm has no linux-image-cloud-amd64 for amd64: apt says above why\n"},
		{"no download", lists + "echo 'E: 404' >&2; exit 100", "echo linux-image-6.1.0-1-cloud-amd64", "E: 404\n" +
			"kernel.sh: cannot fetch linux-image-6.1.0-1-cloud-amd64: apt says above why\n"},
		{"a package that is damaged", lists + "echo junk >x.deb", "echo linux-image-6.1.0-1-cloud-amd64", "not a Debian format archive\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			bin, cache := t.TempDir(), t.TempDir()
			for name, script := range map[string]string{"apt-get": test.get, "apt-cache": test.cache} {
				if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			cmd := exec.Command("./kernel.sh", "amd64")
			cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "XDG_CACHE_HOME="+cache, "LC_ALL=C")
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.HasSuffix(string(out), test.want) || strings.Contains(string(out), "went on") {
				t.Errorf("got error %v and\n%s\nwant an error and at the end\n%s", err, out, test.want)
			}
			left, err := os.ReadDir(filepath.Join(cache, "mkinitfs", "kernels"))
			if err != nil || len(left) != 0 {
				t.Errorf("got %v, %v left behind, want nothing", left, err)
			}
		})
	}
}
