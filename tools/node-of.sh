#!/usr/bin/env bash
# Prints the folder of the binary of another version of Node: tools/node-of.sh MAJOR. It is downloaded from the npm
# registry once, and cached in node_modules/.cache.
set -euo pipefail
cd "$(dirname "$0")/.."

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) platform=linux-x64 ;;
  Linux-aarch64) platform=linux-arm64 ;;
  Darwin-arm64) platform=darwin-arm64 ;;
  *) echo "the npm registry has no Node for $(uname -s) on $(uname -m)" >&2; exit 1 ;;
esac

folder=$PWD/node_modules/.cache/nodes/$1-$platform
if [ ! -x "$folder/bin/node" ]; then
  mkdir -p "$folder"
  packed=$(mktemp -d)
  trap 'rm -rf "$packed"' EXIT
  (cd "$packed" && npm pack --silent "node-$platform@$1" >/dev/null) || { echo "npm could not download Node $1" >&2; exit 1; }
  tar -xzf "$packed"/*.tgz -C "$folder" --strip-components=1 --no-same-owner
fi
echo "$folder/bin"
