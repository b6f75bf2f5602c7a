#!/bin/sh
# module: t-kill
# summary: be killed, as by the kernel when memory runs out
kill -KILL $$
