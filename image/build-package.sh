#!/bin/sh
# build-package.sh NAME FOLDER: unpacks what dl/*.used says into FOLDER/NAME, patches it and runs FOLDER/NAME.sh there.
# All output goes to FOLDER/NAME.log; when a step fails its last 40 lines are shown.
set -eu

name=$1
build=$2
dl=$PWD/dl
top=$PWD

die()
{
	echo "build-package.sh: $*" >&2
	exit 1
}

# The recipe's own line says which package of the distribution it is.
package=$(sed -n "s/^${name}_\(SOURCE\|BINARY\) *:= *//p" "image/packages/$name.mk")
[ -n "$package" ] || die "image/packages/$name.mk: neither ${name}_SOURCE nor ${name}_BINARY"
read -r kind _ _ file _ <"$dl/$package.used" || die "'$package' was not fetched"

# Two runs of make in one tree wait for each other here.
exec 9>"$build/$name.lock"
flock 9

unpack()
{
	rm -rf "${build:?}/$name"
	case $kind in
	dsc) dpkg-source --no-copy --no-check -x "$dl/$file" "$build/$name" ;;
	deb) dpkg-deb -x "$dl/$file" "$build/$name" ;;
	esac
	for p in "$top/image/packages/$name"/*.patch; do
		[ ! -f "$p" ] || patch -d "$build/$name" -p1 <"$p"
	done
}

build()
{
	cd "$build/$name" && sh "$top/$build/$name.sh"
}

set +e
(
	set -e
	unpack
	build
) >"$build/$name.log" 2>&1 </dev/null 9>&-
status=$?
set -e
if [ $status -ne 0 ]; then
	echo "--- the last lines of $build/$name.log" >&2
	tail -n 40 "$build/$name.log" >&2
	die "'$name' does not build"
fi
