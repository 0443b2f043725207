#!/usr/bin/env bash
# Runs the tests on other versions of Node: tools/test-nodes.sh MAJOR... [-- JEST ARGUMENTS]. Each Node is downloaded
# from the npm registry once, and cached in node_modules/.cache.
set -euo pipefail
cd "$(dirname "$0")/.."

majors=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do majors+=("$1"); shift; done
[ $# -eq 0 ] || shift
[ ${#majors[@]} -gt 0 ] || { echo "usage: tools/test-nodes.sh MAJOR... [-- JEST ARGUMENTS]" >&2; exit 2; }

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) platform=linux-x64 ;;
  Linux-aarch64) platform=linux-arm64 ;;
  Darwin-arm64) platform=darwin-arm64 ;;
  *) echo "the npm registry has no Node for $(uname -s) on $(uname -m)" >&2; exit 1 ;;
esac

# Prints the folder of the node binary of a major version.
folder_of() {
  local folder=$PWD/node_modules/.cache/nodes/$1-$platform packed
  if [ ! -x "$folder/bin/node" ]; then
    mkdir -p "$folder"
    packed=$(mktemp -d)
    (cd "$packed" && npm pack --silent "node-$platform@$1" >/dev/null) || { echo "npm could not download Node $1" >&2; exit 1; }
    tar -xzf "$packed"/*.tgz -C "$folder" --strip-components=1 --no-same-owner
    rm -rf "$packed"
  fi
  echo "$folder/bin"
}

status=0
for major in "${majors[@]}"; do
  bin=$(folder_of "$major")
  echo "▸ Node $("$bin/node" --version)"
  PATH=$bin:$PATH NODE_OPTIONS=--experimental-vm-modules node node_modules/jest/bin/jest.js "$@" || status=1
done
exit $status
