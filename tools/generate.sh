#!/usr/bin/env bash
# Generates code and descriptors from proto/. buf and its plugin are in node_modules/.bin, which is in the PATH.
set -euo pipefail
cd "$(dirname "$0")/../proto"

buf generate
buf build --as-file-descriptor-set -o ../libs/proto/descriptors.binpb
