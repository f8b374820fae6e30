#!/bin/sh
# Print the path of a Debian root as a tarball, for tests to pack and boot:
# bookworm's minimal variant, runc and crun, some 140 MB. It is made once and cached;
# to make it anew, remove it and run this again. mmdebstrap can do it for any
# user where user namespaces are allowed, debootstrap must be run by root.
set -eu
PATH=$PATH:/usr/sbin:/sbin

suite=bookworm
mirror=http://deb.debian.org/debian
include=runc,crun,busybox-static

cache=${XDG_CACHE_HOME:-$HOME/.cache}/mkinitfs/roots
tarball=$cache/debian-$suite-runc-crun.tar
if [ -f "$tarball" ]; then
	echo "$tarball"
	exit
fi

mkdir -p "$cache"
partial=$(mktemp "$cache/.debian-$suite.XXXXXX")
root=
# Do not descend into mounts that are left below.
trap 'rm -f "$partial"; [ -z "$root" ] || rm -rf --one-file-system "$root"' EXIT
trap 'exit 1' HUP INT TERM

echo "debian-root.sh: making $tarball" >&2
if command -v mmdebstrap >/dev/null; then
	# Left to itself it brings in perl, to merge /usr afterwards.
	mmdebstrap --quiet --variant=minbase --include=$include,usr-is-merged --format=tar \
		--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr $suite - $mirror >"$partial"
elif ! command -v debootstrap >/dev/null; then
	echo "debian-root.sh: needs mmdebstrap, or debootstrap and root" >&2
	exit 1
elif [ "$(id -u)" != 0 ]; then
	echo "debian-root.sh: debootstrap needs root; mmdebstrap does not" >&2
	exit 1
else
	root=$(mktemp -d "$cache/.root.XXXXXX")
	chmod 0755 "$root"
	debootstrap --variant=minbase --include=$include $suite "$root" $mirror >&2
	rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/cache/apt/*.bin \
		"$root"/var/lib/apt/lists/* "$root"/var/log/bootstrap.log
	tar --one-file-system --numeric-owner --sort=name -C "$root" -cf "$partial" .
fi
chmod 0644 "$partial"
mv "$partial" "$tarball"
echo "$tarball"
