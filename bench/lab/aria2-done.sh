#!/bin/sh
# aria2 calls this when a download is complete (GID, number of files, first file): records the time in the folder NOTES.
date +%s%3N >"$NOTES/$1.tmp" && mv "$NOTES/$1.tmp" "$NOTES/$1.done"
