#!/usr/bin/env bash
# Runs the tests on other versions of Node: tools/test-nodes.sh MAJOR... [-- JEST ARGUMENTS].
set -euo pipefail
cd "$(dirname "$0")/.."

majors=()
while [ $# -gt 0 ] && [ "$1" != -- ]; do majors+=("$1"); shift; done
[ $# -eq 0 ] || shift
[ ${#majors[@]} -gt 0 ] || { echo "usage: tools/test-nodes.sh MAJOR... [-- JEST ARGUMENTS]" >&2; exit 2; }

status=0
for major in "${majors[@]}"; do
  bin=$(tools/node-of.sh "$major")
  echo "▸ Node $("$bin/node" --version)"
  PATH=$bin:$PATH NODE_OPTIONS=--experimental-vm-modules node node_modules/jest/bin/jest.js "$@" || status=1
done
exit $status
