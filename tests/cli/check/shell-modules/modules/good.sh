#!/bin/sh
# module: good
# summary: right in all points
# after: mount
:
