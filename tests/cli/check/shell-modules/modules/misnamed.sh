#!/bin/sh
# module: other
:
