#!/bin/sh
# Install the Debian packages that the tests use, as far as they are missing.
# Where it cannot (not root, no apt-get), it says what is missing; the tests
# that need it are then skipped. It fails only if apt-get does.
set -eu
PATH=$PATH:/usr/sbin:/sbin

missing=
# need FILE-OR-COMMAND PACKAGE
need() {
	case $1 in
	/*) [ -e "$1" ] && return ;;
	*) command -v "$1" >/dev/null && return ;;
	esac
	missing="$missing $2"
}
need make make
need ninja ninja-build
need cc gcc # for the race detector
need /usr/include/stdio.h libc6-dev
need /etc/ssl/certs/ca-certificates.crt ca-certificates
need qemu-system-x86_64 qemu-system-x86
need qemu-system-mipsel qemu-system-mips
if [ "${MKINITFS_TEST_MATRIX:-}" = 1 ]; then
	need qemu-system-aarch64 qemu-system-arm
	need qemu-system-ppc64 qemu-system-ppc
	need /usr/lib/u-boot/qemu_arm64/u-boot.bin u-boot-qemu
	need qemu-system-riscv64 qemu-system-misc
fi
need qemu-i386 qemu-user
need cpio cpio
need 7zz 7zip
need bsdcpio libarchive-tools
need toybox toybox
need zstd zstd
need xz xz-utils
need lz4 lz4
need bzip2 bzip2
need lzop lzop
need mkimage u-boot-tools
need dtc device-tree-compiler
need iasl acpica-tools
need objcopy binutils
need setfattr attr
need setcap libcap2-bin
need busybox busybox-static
need runc runc
need depmod kmod
need mkinitramfs initramfs-tools-core
need dracut dracut-core
need mke2fs e2fsprogs
need fakeroot fakeroot
need umoci umoci
need skopeo skopeo
need dpkg-buildpackage dpkg-dev
need matchpathcon selinux-utils
need semodule policycoreutils
need /usr/share/keyrings/debian-archive-keyring.gpg debian-archive-keyring
command -v debootstrap >/dev/null || need mmdebstrap mmdebstrap

[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null; then
	echo "packages.sh: the tests also use these Debian packages or what matches them here:$missing" >&2
	exit 0
fi
if [ "$(id -u)" != 0 ]; then
	echo "packages.sh: for all tests: sudo apt-get install$missing" >&2
	exit 0
fi

export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # one word for each package
install() { apt-get -qq -o DPkg::Lock::Timeout=300 install --no-install-recommends $missing >&2; }
echo "packages.sh: installing$missing" >&2
# A fresh machine has no package lists, and an older one has stale lists.
install || { apt-get -qq update >&2 && install; }
