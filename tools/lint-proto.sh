#!/usr/bin/env bash
# Lints the protos and compares them with earlier ones: the wire format may grow, not change.
# PROTO_BASE names the commit to compare with; without it the script finds one.
set -euo pipefail
cd "$(dirname "$0")/.."

(cd proto && buf lint && buf format --diff --exit-code)

# Prints the commit where this branch left main, the origin's or the local one. On main itself that is HEAD: then HEAD,
# if uncommitted changes touch protos, else the last tag before it, or the commit before it.
find_base() {
  local main base
  for main in refs/remotes/origin/main refs/heads/main; do
    base=$(git merge-base HEAD "$main" 2>/dev/null) || continue
    [ "$base" = "$(git rev-parse HEAD)" ] || { echo "$base"; return; }
  done
  git diff --quiet HEAD -- proto || { git rev-parse HEAD; return; }
  git rev-parse --verify --quiet "$(git describe --tags --abbrev=0 HEAD~1 2>/dev/null || echo HEAD~1)^{commit}" || true
}

if ! git rev-parse --verify --quiet HEAD >/dev/null 2>&1; then
  echo 'protos: not compared with earlier ones: this is not a git repository with a commit'
  exit 0
fi
if [ -n "${PROTO_BASE:-}" ]; then
  base=$(git rev-parse --verify --quiet "$PROTO_BASE^{commit}") || {
    echo "protos: commit $PROTO_BASE (PROTO_BASE) does not exist here: fetch it, or name another" >&2
    exit 1
  }
else
  base=$(find_base)
fi
if [ -z "$base" ]; then
  if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
    echo 'protos: not compared with earlier ones: this clone is shallow; run `git fetch --unshallow`, or `git fetch origin main`'
  else
    echo 'protos: not compared with earlier ones: there is no earlier commit'
  fi
  exit 0
fi
if ! git cat-file -e "$base:proto/buf.yaml" 2>/dev/null; then
  echo "protos: not compared with earlier ones: ${base:0:7} has none"
  exit 0
fi
earlier=$(mktemp -d)
trap 'rm -rf "$earlier"' EXIT
git archive "$base" proto | tar -x -C "$earlier"
# Version 0.2 gave fields other names, once: their numbers and types are checked all the same, and so is the wire format.
config=proto/buf.yaml
if grep -q 'bytes_total = 6;' "$earlier/proto/enjambre/agent/v1/agent.proto"; then
  config=$earlier/buf.yaml
  sed 's/^    - FILE$/&\n  except:\n    - FIELD_SAME_NAME\n    - FIELD_SAME_JSON_NAME/' proto/buf.yaml >"$config"
  echo "protos: names of fields are not compared with ${base:0:7}, which is older than version 0.2"
fi
config=$(realpath "$config")
(cd proto && buf breaking --config "$config" --against "$earlier/proto") || {
  echo "protos: an older version would not understand this (compared with ${base:0:7})" >&2
  exit 1
}
