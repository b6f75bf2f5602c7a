#!/bin/sh
# module: t-once
# summary: fail the first time, succeed the second
if [ ! -e /tmp/once ]; then
	: >/tmp/once
	echo "not yet" >&2
	exit 1
fi
