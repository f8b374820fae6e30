package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/mkinitfs/mkinitfs/internal/qemu"
	"github.com/mkinitfs/mkinitfs/internal/testenv"
)

// TestBootSSHAccess boots the example with a client beside it: the admin comes in by a key and is
// itself in its home, and root does not come in by the same key.
func TestBootSSHAccess(t *testing.T) {
	t.Parallel()
	testenv.Boots(t)
	packages, dir := testenv.Dropbear(t), t.TempDir()
	key := filepath.Join(dir, "key")
	libraries := filepath.Join(packages, "usr/lib/x86_64-linux-gnu") + ":" + filepath.Join(packages, "lib/x86_64-linux-gnu")
	out, err := exec.Command(filepath.Join(packages, "lib64/ld-linux-x86-64.so.2"), "--library-path", libraries,
		filepath.Join(packages, "usr/bin/dropbearkey"), "-t", "ed25519", "-f", key).CombinedOutput()
	if err != nil {
		t.Skipf("make a key with the dropbearkey of amd64: %v\n%s", err, out)
	}
	public := ""
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "ssh-ed25519 ") {
			public = line
		}
	}
	if err := os.WriteFile(key+".pub", []byte(public), 0o644); err != nil {
		t.Fatal(err)
	}
	const client = `#!/bin/sh
/sbin/start &
until busybox grep -q ':0016 00000000:0000 0A' /proc/net/tcp; do :; done # somebody listens
for user in admin root; do
	echo "$user: $(DROPBEAR_PASSWORD=x busybox setsid dbclient -y -i /key $user@127.0.0.1 'echo $(id), in $(busybox pwd) of $(busybox stat -c %U:%G .); busybox cat /etc/shadow' </dev/null 2>&1)"
done
echo "locked $(busybox grep root: /etc/shadow)"
busybox poweroff
`
	img, _ := buildImage(t, `version: 1
include: ["`+filepath.Join(repository(t), "examples/ssh-access/ssh-access.yaml")+`"]
init: {exec: /client}
permissions: [{path: /root/.ssh, mode: 0700}]
contents:
  - {type: file, src: "`+packages+`/usr/bin/dbclient", dst: /bin/dbclient, mode: 0755, libs: true}
  - {type: file, src: "`+key+`", dst: /key, mode: 0600}
  - {type: file, src: "`+key+`.pub", dst: /root/.ssh/authorized_keys, mode: 0600}
  - {type: dir, dst: /root, mode: 0700}
  - {type: file, dst: /client, mode: 0755, content: `+strconv.Quote(client)+`}
`, "-D", "keys="+key+".pub", "-D", "busybox="+testenv.Busybox(t, "amd64"), "-D", "packages="+packages)
	result := boot(t, img, qemu.Machine{})
	if err := result.Err(); err != nil {
		t.Error(err)
	}
	wantLines(t, string(result.Output), "\nuid=1000(admin) gid=1000(admin) groups=10(wheel),1000(admin), in /home/admin of admin:admin",
		"can't open '/etc/shadow': Permission denied", "root login rejected", "No auth methods could be used", "locked root:!::")
}
