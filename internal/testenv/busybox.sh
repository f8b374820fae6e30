#!/bin/sh
# Print the path of Debian's static busybox for an architecture (as dpkg calls
# it), which is fetched into the user's cache: busybox.sh [ARCHITECTURE]
set -eu

arch=${1:-mipsel}
directory=${XDG_CACHE_HOME:-$HOME/.cache}/mkinitfs/busybox
busybox=$directory/$arch
if [ -f "$busybox" ]; then
	echo "$busybox"
	exit
fi

# shellcheck source=internal/testenv/apt.sh
. "$(dirname "$0")/apt.sh"
need_apt

mkdir -p "$directory"
work=$(mktemp -d "$directory/.$arch.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

echo "busybox.sh: fetching busybox-static for $arch" >&2
apt_lists "$work" "$arch" bookworm
apt_unpack "$work" busybox-static
mv "$work/root/bin/busybox" "$busybox"
echo "$busybox"
