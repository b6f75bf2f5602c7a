#!/bin/sh
# module: t-fail
# summary: fail with a reason
echo "something first" >&2
echo "cannot do 'this': because" >&2
exit 3
