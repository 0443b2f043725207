#!/usr/bin/env bash
# Writes the bundle and an archive of it: tools/package.sh [DIR], by default to dist. Run it on a build.
# WITH_NODE=24 adds Node 24 for this kind of machine, so that the bundle needs nothing but glibc.
set -euo pipefail
here=$(realpath "$(dirname "$0")")

dir=$(realpath -m "${1:-$here/../dist}")
folder=$(node "$here/bundle.mjs" "$dir")
node "$here/man-pages.mjs" "$folder/share/man"
completions=(bash bash-completion/completions/enjambre zsh zsh/vendor-completions/_enjambre fish fish/vendor_completions.d/enjambre.fish)
for ((at = 0; at < ${#completions[@]}; at += 2)); do
  mkdir -p "$(dirname "$folder/share/${completions[at + 1]}")"
  node "$folder/bin/enjambre" completion "${completions[at]}" >"$folder/share/${completions[at + 1]}"
done
if [ -n "${WITH_NODE:-}" ]; then
  with_node=$folder-linux-$(uname -m)
  rm -rf "$with_node"
  cp -r "$folder" "$with_node"
  folder=$with_node
  install -m 0755 "$("$here/node-of.sh" "$WITH_NODE")/node" "$folder/bin/node"
  mv "$folder/bin/enjambre" "$folder/bin/enjambre.js"
  install -m 0755 "$here/../deploy/package/launcher-with-node.sh" "$folder/bin/enjambre"
fi
# The same input gives the same bytes.
tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime="@${SOURCE_DATE_EPOCH:-0}" \
  --directory="$dir" "$(basename "$folder")" | gzip --no-name -9 >"$folder.tar.gz"
du -sh "$folder" "$folder.tar.gz"
