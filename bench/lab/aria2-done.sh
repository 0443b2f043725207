#!/bin/sh
# What aria2 calls when a download is complete (GID, number of files, first file): notes the time in the folder NOTES.
date +%s%3N >"$NOTES/$1.tmp" && mv "$NOTES/$1.tmp" "$NOTES/$1.done"
