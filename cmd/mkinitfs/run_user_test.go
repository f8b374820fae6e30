package main

import (
	"strings"
	"testing"
)

// TestRunUser runs a program as init.user in init.workdir. A command behind -- is root in /.
func TestRunUser(t *testing.T) {
	const script = "echo $(busybox id -u):$(busybox id -g) in $(busybox pwd) home $HOME\necho groups $(busybox id -G)"
	img, _ := buildImage(t, processManifest(t, script, "init: {exec: /app, env: {PATH: /bin}, user: app, workdir: /srv/new}"))
	for _, r := range runners() {
		t.Run(r.name, func(t *testing.T) {
			want, words := "1000:100 in /srv/new home /home/app\ngroups 100 44\n", ""
			if r.name == "user" { // of whose ids one is mapped
				want, words = "0:0 in /srv/new home /home/app\n", "mkinitfs: /app runs as root: there are no ids for init.user here\n"
			}
			cmd := r.command(t, img)
			cmd.Args = cmd.Args[:3] // without --
			got, said := outputOf(t, cmd)
			if !strings.HasPrefix(got, want) {
				t.Errorf("got %q, want %q", got, want)
			}
			if !strings.HasSuffix(said, words) || words == "" && said != "" {
				t.Errorf("got %q on standard error, want %q", said, words)
			}
			got, _ = r.output(t, img, "/bin/busybox", "sh", "-c", "echo $(busybox id -u) $(busybox pwd) $HOME")
			if got != "0 / /\n" {
				t.Errorf("a command: got %q, want root in /", got)
			}
		})
	}
}
