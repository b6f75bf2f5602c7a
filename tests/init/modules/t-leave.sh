#!/bin/sh
# module: t-leave
# summary: leave a process behind, and many lines
sleep 997 &
i=0
while [ $i -lt 200 ]; do
	echo "line $i"
	i=$((i + 1))
done
