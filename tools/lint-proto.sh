#!/usr/bin/env bash
# Lints the protos and compares them with the last landed ones: what is on the wire may grow, not change.
set -euo pipefail
cd "$(dirname "$0")/.."

(cd proto && buf lint && buf format --diff --exit-code)

# The newest commit that others may have built on: main of the origin, or else the commit before this one.
base=$(git merge-base HEAD refs/remotes/origin/main 2>/dev/null || true)
if [ -z "$base" ] || [ "$base" = "$(git rev-parse HEAD)" ]; then
  base=$(git rev-parse --verify --quiet HEAD~1 || true)
fi
if [ -z "$base" ] || ! git cat-file -e "$base:proto/buf.yaml" 2>/dev/null; then
  echo 'protos: no earlier version to compare with'
  exit 0
fi
earlier=$(mktemp -d)
trap 'rm -rf "$earlier"' EXIT
git archive "$base" proto | tar -x -C "$earlier"
(cd proto && buf breaking --against "$earlier/proto")
