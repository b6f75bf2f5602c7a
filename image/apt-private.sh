# shellcheck shell=sh
# A private apt: the host's own mirrors, proxy settings and keys, but its state below dl/apt. Needs no root and leaves the host as it is.
# Sourced by fetch.sh and lock.sh. The host's source entries are copied as deb and deb-src, for this release's own suites only.

DL=${DL:-dl}
APT_DIR=$PWD/$DL/apt

. /etc/os-release
HOST_RELEASE=$ID-${VERSION_ID:-$VERSION_CODENAME}
LOCK=${LOCK:-image/lock/$HOST_RELEASE}

die()
{
	echo "${0##*/}: $*" >&2
	exit 1
}

# Entries of the release's own suites: CODENAME, CODENAME-updates, CODENAME-security.
deb822_entries()
{
	awk -v codename="$VERSION_CODENAME" '
	function flush(    i, n, word, suites) {
		n = split(field["suites"], word, /[ \t\n]+/)
		for (i = 1; i <= n; i++)
			if (word[i] == codename || (index(word[i], codename "-") == 1 && word[i] !~ /backports|proposed/))
				suites = suites " " word[i]
		if (suites != "" && field["types"] ~ /deb/ && field["enabled"] !~ /no/) {
			print "Types: deb deb-src\nSuites:" suites
			printf "%s\n", kept
		}
		delete field
		kept = ""
	}
	/^[ \t]*$/ { flush(); next }
	/^#/ { next }
	/^[^ \t]/ { name = tolower(substr($0, 1, index($0, ":") - 1)) }
	{ field[name] = field[name] " " ($0 ~ /^[ \t]/ ? $0 : substr($0, index($0, ":") + 1)) }
	name !~ /^(types|suites|enabled|architectures)$/ { kept = kept $0 "\n" }
	END { flush() }' "$@"
}

one_line_entries()
{
	sed -n 's/^deb[[:space:]]\{1,\}//p' "$@" | sed 's/arch=[^] ]*//; s/^\[[[:space:]]*\][[:space:]]*//' |
		awk -v codename="$VERSION_CODENAME" '
		{ suite = $0; sub(/^\[[^]]*\][ \t]*/, "", suite); split(suite, word, /[ \t]+/); suite = word[2] }
		suite == codename || (index(suite, codename "-") == 1 && suite !~ /backports|proposed/) {
			print "deb " $0; print "deb-src " $0 }'
}

apt_prepare()
{
	mkdir -p "$APT_DIR/lists/partial" "$APT_DIR/cache/archives/partial" "$APT_DIR/sources.d"
	: >"$APT_DIR/status"
	for f in /etc/apt/sources.list.d/*.sources; do
		[ ! -f "$f" ] || deb822_entries "$f"
	done >"$APT_DIR/sources.d/host.sources"
	for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
		[ ! -f "$f" ] || one_line_entries "$f"
	done >"$APT_DIR/sources.d/host.list"
	cat >"$APT_DIR/apt.conf" <<-END
		Dir::State "$APT_DIR";
		Dir::State::lists "$APT_DIR/lists";
		Dir::State::status "$APT_DIR/status";
		Dir::Cache "$APT_DIR/cache";
		Dir::Etc::sourcelist "/dev/null";
		Dir::Etc::sourceparts "$APT_DIR/sources.d";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		Acquire::Languages "none";
		Acquire::Retries "3";
		APT::Sandbox::User "";
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
	END
}

apt_private()
{
	tool=$1
	shift
	"$tool" -qq -c "$APT_DIR/apt.conf" "$@"
}

apt_update()
{
	apt_prepare
	apt_private apt-get update >&2 || die "the package index cannot be fetched (apt-get update)"
	grep -q . "$APT_DIR/sources.d/host.sources" "$APT_DIR/sources.d/host.list" ||
		die "no entry for $VERSION_CODENAME in /etc/apt/sources.list or /etc/apt/sources.list.d"
}

# deb_name <package>: the package itself, or for a kernel's meta package the kernel image that it names
deb_name()
{
	real=$(apt_private apt-cache show --no-all-versions "$1" |
		sed -n 's/^Depends: *\(linux-image-[0-9][^ ,]*\).*/\1/p' | head -n 1)
	echo "${real:-$1}"
}

# versions KIND NAME: what the mirror has, oldest first
versions()
{
	apt_private apt-cache madison "$2" | awk -F'|' -v k="$1" '
		($3 ~ / Sources$/) == (k == "dsc") { gsub(/ /, "", $2); print $2 }' | sort -u -V
}

# dsc_files DSC: "SHA256 FILE" of the files that it names
dsc_files()
{
	awk '/^Checksums-Sha256:/ { on = 1; next } /^[^ ]/ { on = 0 } on { print $1, $3 }' "$1"
}

# download KIND NAME VERSION: into dl/
download()
{
	if [ "$1" = dsc ]; then
		(cd "$DL" && apt_private apt-get source --download-only "$2=$3" >/dev/null)
	else
		(cd "$DL" && apt_private apt-get download "$2=$3" >/dev/null)
	fi
}

# file_of KIND NAME VERSION: the name that download gave it
file_of()
{
	if [ "$1" = dsc ]; then
		echo "$2_${3#*:}.dsc"
	else
		case $3 in
		*:*) escaped=${3%%:*}%3a${3#*:} ;;
		*) escaped=$3 ;;
		esac
		(cd "$DL" && set -- "$2_${escaped}"_*.deb && echo "$1")
	fi
}

sha256_is()
{
	[ -f "$1" ] && echo "$2  $1" | sha256sum -c --status
}
