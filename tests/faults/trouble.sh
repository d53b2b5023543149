#!/bin/sh
# A hook for the soak test: the program is killed at the step that the host's ctl/die-at names, once.
[ -f "$4/ctl/die-at" ] || exit 0
read -r at <"$4/ctl/die-at"
case $1 in "$at".*) rm -f "$4/ctl/die-at"; kill -9 "$2" ;; esac
