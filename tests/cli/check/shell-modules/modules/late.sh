#!/bin/sh
# module: late
# summary: must be last
# after: finalize partition
# needs: mount absent
:
