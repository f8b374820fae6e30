#!/bin/sh
# Print the path of a directory with packages of Debian for an architecture, as dpkg calls it,
# unpacked as they are and never installed: a sysroot with bash, ip, nft and musl, and with all
# libraries that these need. A second word, "large", adds programs for a comparison of many.
set -eu

architecture=$1 size=${2:-small}
directory=${XDG_CACHE_HOME:-$HOME/.cache}/mkinitfs/sysroots
sysroot=$directory/$architecture-$size
if [ -d "$sysroot" ]; then
	echo "$sysroot"
	exit
fi

packages='bash iproute2 nftables musl'
case $size in
small) ;;
large) packages="$packages coreutils util-linux procps iptables openssh-client curl gnupg gpgv e2fsprogs btrfs-progs kmod udev tar \
findutils grep sed gawk diffutils less file tcpdump strace systemd git rsync wget vim-tiny python3-minimal perl-base" ;;
*)
	echo "usage: sysroot.sh ARCHITECTURE [small|large]" >&2
	exit 2
	;;
esac

# shellcheck source=internal/testenv/apt.sh
. "$(dirname "$0")/apt.sh"
need_apt

mkdir -p "$directory"
work=$(mktemp -d "$directory/.$architecture.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

echo "sysroot.sh: fetching $packages for $architecture" >&2
apt_lists "$work" "$architecture" bookworm
# Programs of the dependencies are as good as any, but those of debconf are scripts.
# shellcheck disable=SC2086 # one word for each package
all=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances $packages |
	sed -n 's/^\([a-z0-9][^ :]*\)$/\1/p' | grep -Ev '^(debconf.*|cdebconf.*|perl|perl-modules.*|python3|python3\..*|dbus.*|awk)$')
# shellcheck disable=SC2086
apt_unpack "$work" $all
rm -rf "$work/root/usr/share" "$work/root/var"
mv -T "$work/root" "$sysroot" # if another run was faster, its directory stays
echo "$sysroot"
