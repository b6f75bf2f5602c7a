#!/bin/sh
# module: mount
# summary: takes a name that is taken
