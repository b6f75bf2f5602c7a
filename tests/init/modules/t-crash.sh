#!/bin/sh
# module: t-crash
# summary: die of a signal
kill -SEGV $$
