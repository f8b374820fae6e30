#!/bin/sh
# Print the path of a directory with Debian's dropbear for amd64 and the libraries that it
# needs, as a root has them, which are fetched into the user's cache.
set -eu

directory=${XDG_CACHE_HOME:-$HOME/.cache}/mkinitfs/dropbear
dropbear=$directory/amd64
if [ -d "$dropbear" ]; then
	echo "$dropbear"
	exit
fi

# shellcheck source=internal/testenv/apt.sh
. "$(dirname "$0")/apt.sh"
need_apt

mkdir -p "$directory"
work=$(mktemp -d "$directory/.amd64.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

echo "dropbear.sh: fetching dropbear-bin" >&2
apt_lists "$work" amd64 bookworm
apt_unpack "$work" dropbear-bin libtomcrypt1 libtommath1 libgmp10 zlib1g libcrypt1 libc6
rm -rf "$work/root/usr/share"
mv -T "$work/root" "$dropbear" # if another run was faster, its directory stays
echo "$dropbear"
