#!/bin/sh
# Print the path of a tarball with what makes a Debian bookworm root one with
# SELinux: a policy in /etc/selinux, load_policy and restorecon. The policy is
# packaged in modules, which semodule links here into what a kernel loads. It is
# made once and cached.
set -eu
PATH=$PATH:/usr/sbin:/sbin

suite=bookworm
policies=${XDG_CACHE_HOME:-$HOME/.cache}/mkinitfs/policies
tarball=$policies/debian-$suite.tar
if [ -f "$tarball" ]; then
	echo "$tarball"
	exit
fi

# shellcheck source=internal/testenv/apt.sh
. "$(dirname "$0")/apt.sh"
need_apt
if ! command -v semodule >/dev/null; then
	echo "selinux-policy.sh: semodule is missing: install the package policycoreutils" >&2
	exit 1
fi

mkdir -p "$policies"
work=$(mktemp -d "$policies/.$suite.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

echo "selinux-policy.sh: making $tarball" >&2
apt_lists "$work" amd64 "$suite"
apt_unpack "$work" selinux-policy-default policycoreutils
cd "$work/root"
echo 'policy-version = 33' >etc/selinux/semanage.conf # the newest that bookworm's kernel loads
printf 'SELINUX=permissive\nSELINUXTYPE=default\n' >etc/selinux/config
# shellcheck disable=SC2046 # one word for each module
semodule -n -N -p "$work/root" -s default \
	$(sed 's,.*,-iusr/share/selinux/default/&.pp.bz2,' usr/share/selinux/default/.modules) >&2
rm etc/selinux/semanage.conf
# The compiled file contexts only make libselinux faster.
tar --exclude='*.bin' --numeric-owner --owner=0 --group=0 --sort=name --mtime=@0 \
	-cf ../policy.tar etc/selinux sbin/load_policy sbin/restorecon sbin/setfiles
chmod 0644 ../policy.tar
mv ../policy.tar "$tarball"
echo "$tarball"
