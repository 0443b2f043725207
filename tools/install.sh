#!/usr/bin/env bash
# Installs the locked packages: tools/install.sh build (what building and running needs) or tools/install.sh tools (also
# what linting and testing needs: three times as much). Once the tools are there, both install everything.
#
# Not `npm ci`: it refuses a lock file that lacks other platforms' binaries, which not every registry mirror has. The
# locked versions are installed nevertheless.
set -euo pipefail
cd "$(dirname "$0")/.."

# npm writes this file at the end of an installation; make compares its time with that of the manifests.
stamp=node_modules/.package-lock.json
options=(--no-save --no-audit --no-fund --loglevel=error)
case $1 in
  build)
    [ -e node_modules/.bin/jest ] || options+=(--omit=dev)
    npm install "${options[@]}"
    touch "$stamp"
    ;;
  tools)
    # What was generated with the packages of before stays valid.
    before=$(stat -c %Y "$stamp")
    npm install "${options[@]}"
    touch -d "@$before" "$stamp"
    touch node_modules/.tools
    ;;
esac
