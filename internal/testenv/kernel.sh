#!/bin/sh
# Print the path of a kernel for tests to boot: kernel.sh [NAME]
#
# NAME is a row of the table below. The kernel is a Debian package, unpacked
# into the user's cache and never installed. amd64-pc keeps its modules in the
# directory "modules" beside it. To fetch a newer build, remove the
# directory and run this again.
set -eu

name=${1:-amd64}
case $name in
#                    architecture  suite             package
amd64)        set -- amd64         bookworm          linux-image-cloud-amd64 ;;
amd64-5.10)   set -- amd64         bullseye          linux-image-cloud-amd64 ;;
amd64-6.12)   set -- amd64         trixie            linux-image-cloud-amd64 ;;
amd64-sid)    set -- amd64         sid               linux-image-cloud-amd64 ;;
amd64-pc)     set -- amd64         bookworm          linux-image-amd64 ;; # with its modules
amd64-bpo)    set -- amd64         trixie-backports  linux-image-cloud-amd64 ;;
386)          set -- i386          bookworm          linux-image-686 ;;
386-5.10)     set -- i386          bullseye          linux-image-rt-686-pae ;;
arm)          set -- armhf         bookworm          linux-image-armmp ;;
arm-5.10)     set -- armhf         bullseye          linux-image-armmp ;;
arm-sid)      set -- armhf         sid               linux-image-armmp ;;
arm64)        set -- arm64         bookworm          linux-image-cloud-arm64 ;;
arm64-5.10)   set -- arm64         bullseye          linux-image-cloud-arm64 ;;
arm64-sid)    set -- arm64         sid               linux-image-cloud-arm64 ;;
arm64-16k)    set -- arm64         sid               linux-image-arm64-16k ;;
mipsle)       set -- mipsel        bookworm          linux-image-4kc-malta ;;
mips64le)     set -- mips64el      bookworm          linux-image-5kc-malta ;;
ppc64le)      set -- ppc64el       bookworm          linux-image-powerpc64le ;;
ppc64le-sid)  set -- ppc64el       sid               linux-image-powerpc64le ;;
riscv64)      set -- riscv64       sid               linux-image-riscv64 ;;
riscv64-6.12) set -- riscv64       trixie            linux-image-riscv64 ;;
s390x)        set -- s390x         bookworm          linux-image-s390x ;;
s390x-sid)    set -- s390x         sid               linux-image-s390x ;;
uml)          set -- amd64         bookworm          user-mode-linux ;; # runs as a program
*)
	echo "kernel.sh: no kernel is called \"$name\": give one of those in its table" >&2
	exit 2 ;;
esac
arch=$1 suite=$2 package=$3

kernels=${XDG_CACHE_HOME:-$HOME/.cache}/mkinitfs/kernels
kernel=$kernels/$name/vmlinuz
if [ -f "$kernel" ]; then
	echo "$kernel"
	exit
fi

# shellcheck source=internal/testenv/apt.sh
. "$(dirname "$0")/apt.sh"
need_apt || {
	echo "or put a $name kernel of your own at $kernel" >&2
	exit 1
}

mkdir -p "$kernels"
work=$(mktemp -d "$kernels/.$name.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$work/result"

echo "kernel.sh: fetching $package from Debian $suite" >&2
apt_lists "$work" "$arch" "$suite"

# The package only names the newest build, which may keep its kernel in one
# more package: linux-image-cloud-amd64 -> linux-image-7.2.1-cloud-amd64 ->
# linux-binary-7.2.1-cloud-amd64.
depends=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts \
	--no-breaks --no-replaces --no-enhances "$package") || {
	echo "kernel.sh: Debian $suite has no $package for $arch: apt says above why" >&2
	exit 1
}
builds=$(echo "$depends" |
	grep -E '^(linux-(image|binary)-[0-9]|user-mode-linux$)' | sort -u)
if [ -z "$builds" ]; then
	echo "kernel.sh: Debian $suite has no kernel that $package for $arch depends on" >&2
	exit 1
fi
# shellcheck disable=SC2086 # one word for each package
apt_unpack "$work" $builds
found=$(find "$work/root" -type f '(' -name 'vmlinu[xz]*' -o -name linux.uml ')' | head -n 1)
if [ -z "$found" ]; then
	echo "kernel.sh: $package: no kernel in: $builds" >&2
	exit 1
fi
mv "$found" "$work/result/vmlinuz"
mode=0644
[ "$package" != user-mode-linux ] || mode=0755
chmod "$mode" "$work/result/vmlinuz"
[ "$name" != amd64-pc ] || mv "$work/root/lib/modules" "$work/result/modules"

# If another run was faster, its directory stays.
mv -T "$work/result" "$kernels/$name" 2>/dev/null || [ -f "$kernel" ]
echo "$kernel"
