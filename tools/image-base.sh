#!/usr/bin/env bash
# Builds a substitute for node:24-slim where no image registry is reachable: Debian by debootstrap, with Node and
# npm from the npm registry. As root: tools/image-base.sh DIR, an empty or missing folder that becomes the root.
set -euo pipefail

root=$1
suite=${IMAGE_SUITE:-bookworm}
mirror=${IMAGE_MIRROR:-http://deb.debian.org/debian}
node_version=${IMAGE_NODE:-24.21.0}
npm_version=${IMAGE_NPM:-11.6.2}

case "$(uname -m)" in
  x86_64) platform=linux-x64 ;;
  aarch64) platform=linux-arm64 ;;
  *) echo "the npm registry has no Node for $(uname -m)" >&2; exit 1 ;;
esac

# Besides libc, Node is linked with libstdc++6.
debootstrap --variant=minbase --include=libstdc++6,ca-certificates "$suite" "$root" "$mirror" >"$root.log" 2>&1 ||
  { tail -n 20 "$root.log" >&2; exit 1; }
rm -rf "$root.log" "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}/*

# If a proxy with its own certificate is in front of the npm registry, npm inside the root has to trust it, too.
[ -z "${NODE_EXTRA_CA_CERTS:-}" ] || cp "$NODE_EXTRA_CA_CERTS" "$root/etc/ssl/certs/ca-certificates.crt"

packages=$(mktemp -d)
trap 'rm -rf "$packages"' EXIT
(cd "$packages" && npm pack --silent "node-$platform@$node_version" "npm@$npm_version" >/dev/null)
tar -xzf "$packages/node-$platform-$node_version.tgz" -C "$packages"
install -m 0755 "$packages/package/bin/node" "$root/usr/local/bin/node"
install -d "$root/usr/local/lib/node_modules/npm"
tar -xzf "$packages/npm-$npm_version.tgz" -C "$root/usr/local/lib/node_modules/npm" --strip-components=1 --no-same-owner
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
