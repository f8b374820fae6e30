#!/bin/sh
# Print the path of a directory with the programs of Debian's klibc for amd64 and their
# library, which are fetched into the user's cache.
set -eu

directory=${XDG_CACHE_HOME:-$HOME/.cache}/mkinitfs/klibc
klibc=$directory/amd64
if [ -d "$klibc" ]; then
	echo "$klibc"
	exit
fi

# shellcheck source=internal/testenv/apt.sh
. "$(dirname "$0")/apt.sh"
need_apt

mkdir -p "$directory"
work=$(mktemp -d "$directory/.amd64.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

echo "klibc.sh: fetching klibc-utils" >&2
apt_lists "$work" amd64 bookworm
apt_unpack "$work" klibc-utils libklibc
mkdir "$work/klibc"
mv "$work/root/lib" "$work/root/usr" "$work/klibc"
rm -rf "$work/klibc/usr/share"
mv -T "$work/klibc" "$klibc" # if another run was faster, its directory stays
echo "$klibc"
