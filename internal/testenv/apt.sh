# shellcheck shell=sh
# Sourced by the scripts beside it: packages of any architecture and release of
# Debian, downloaded and never installed. apt works on lists of its own, so that
# neither the machine's package sources nor its architecture matter.

# need_apt says what is missing, and fails, where packages cannot be had.
need_apt() {
	keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	for need in /usr/bin/apt-get /usr/bin/dpkg-deb $keyring; do
		if [ ! -e "$need" ]; then
			echo "${0##*/}: $need is missing: install the packages apt, dpkg and debian-archive-keyring" >&2
			return 1
		fi
	done
}

# apt_lists WORK ARCHITECTURE SUITE: fetch lists into the directory WORK, which apt
# uses from then on. It fails without that of the suite.
apt_lists() {
	mkdir -p "$1/lists/partial" "$1/archives/partial"
	: >"$1/status"
	{
		echo "deb [signed-by=$keyring] http://deb.debian.org/debian $3 main"
		# Others have none, or one that lists packages which are gone (bullseye).
		case $3 in
		bookworm | trixie) echo "deb [signed-by=$keyring] http://deb.debian.org/debian-security $3-security main" ;;
		esac
	} >"$1/sources.list"

	# The sandbox user _apt cannot enter a home directory; signatures are checked all the same.
	cat >"$1/apt.conf" <<END
APT::Architecture "$2";
APT::Architectures { "$2"; };
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "3";
Dir::Etc::SourceList "$1/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$1/lists";
Dir::State::status "$1/status";
Dir::Cache "$1";
END
	export APT_CONFIG="$1/apt.conf"
	# A mirror amid its own update can spoil one list; that of the suite itself has to be
	# there. What else is wrong apt has said, for which its exit status may be 0.
	apt-get -qq update >&2 || true
	for list in "$1"/lists/*_dists_"$3"_main_binary-"$2"_Packages*; do
		[ ! -e "$list" ] || return 0
	done
	echo "${0##*/}: cannot fetch the list of packages of Debian $3 for $2: apt says above why" >&2
	return 1
}

# apt_unpack WORK PACKAGE...: download packages and unpack them into WORK/root.
apt_unpack() {
	mkdir -p "$1/root"
	(
		cd "$1/archives" || exit
		shift
		apt-get -qq download "$@" >&2 || {
			echo "${0##*/}: cannot fetch $*: apt says above why" >&2
			exit 1
		}
		for deb in *.deb; do
			dpkg-deb -x "$deb" ../root || exit
		done
	)
}
