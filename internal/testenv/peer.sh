#!/bin/sh
# Print the path of something that "make bench" compares with or packs:
# peer.sh NAME. It is made of Debian packages and cached, never installed.
set -eu

name=${1-}
case $name in
3cpio)         suite=sid ;;      # a directory: 3cpio, and the libraries that it is linked with
gen_init_cpio) suite=bookworm ;; # the kernel's own, compiled here
initramfs)     suite=bookworm ;; # a directory: unmkinitramfs, lsinitramfs, and pigz
modules)       suite=bookworm ;; # a directory: the modules of a kernel
*)
	echo "peer.sh: nothing is called \"$name\": give 3cpio, gen_init_cpio, initramfs or modules" >&2
	exit 2 ;;
esac

peers=${XDG_CACHE_HOME:-$HOME/.cache}/mkinitfs/peers
if [ -e "$peers/$name" ]; then
	echo "$peers/$name"
	exit
fi

# shellcheck source=internal/testenv/apt.sh
. "$(dirname "$0")/apt.sh"
need_apt
if [ "$name" = gen_init_cpio ] && ! command -v cc >/dev/null; then
	echo "peer.sh: cc is missing: install the package gcc" >&2
	exit 1
fi

mkdir -p "$peers"
work=$(mktemp -d "$peers/.$name.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

echo "peer.sh: fetching $name" >&2
apt_lists "$work" amd64 "$suite"

case $name in
3cpio) apt_unpack "$work" 3cpio libc6 libgcc-s1 ;;
initramfs) apt_unpack "$work" initramfs-tools-core pigz ;;
modules)
	# The package only names the newest build.
	build=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p')
	apt_unpack "$work" "$build"
	mv "$work/root" "$work/package"
	mkdir "$work/root"
	mv "$work/package/lib" "$work/root" ;;
gen_init_cpio)
	(cd "$work/archives" && apt-get -qq download linux-source-6.1 >&2)
	dpkg-deb --fsys-tarfile "$work"/archives/*.deb |
		tar -xO ./usr/src/linux-source-6.1.tar.xz |
		tar -xJO --occurrence=1 linux-source-6.1/usr/gen_init_cpio.c >"$work/gen_init_cpio.c"
	cc -O2 -o "$work/root" "$work/gen_init_cpio.c" ;;
esac

# If another run was faster, its directory stays.
mv -T "$work/root" "$peers/$name" 2>/dev/null || [ -e "$peers/$name" ]
echo "$peers/$name"
