#!/bin/sh
# A hook for the soak test: the program is killed at the step that the host's ctl/at names, once.
rm "$4/ctl/at" 2>/dev/null && kill -9 "$2"
