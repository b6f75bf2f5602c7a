#!/bin/sh
# module: t-bytes
# summary: write bytes that no terminal should see
printf 'esc \033[2J bad utf \377\376 long '
head -c 5000 /dev/zero | tr '\0' x
echo
printf 'progress 5 x y\nprogress -1 2 z\nnonsense\nlog loud hello\nlog warn fine\n' >&3
printf '\001\002 the reason\037' >&2
exit 9
