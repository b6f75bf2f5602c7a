#!/bin/sh
# module: other
# summary: has another name
:
