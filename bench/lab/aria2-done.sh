#!/bin/sh
# What aria2 calls when a download is complete (GID, number of files, first file): notes the time.
date +%s%3N >"$3.tmp" && mv "$3.tmp" "$3.done"
