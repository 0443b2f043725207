#!/usr/bin/env bash
# Makes a stand-in for node:24-slim where no registry of images can be reached: Debian by debootstrap, with Node and
# npm from npm's registry. As root: tools/image-base.sh DIR, an empty or missing folder that then is the root.
set -euo pipefail

root=$1
suite=${IMAGE_SUITE:-bookworm}
mirror=${IMAGE_MIRROR:-http://deb.debian.org/debian}
node_version=${IMAGE_NODE:-24.21.0}
npm_version=${IMAGE_NPM:-11.6.2}

case "$(uname -m)" in
  x86_64) platform=linux-x64 ;;
  aarch64) platform=linux-arm64 ;;
  *) echo "there is no Node for $(uname -m) in npm's registry" >&2; exit 1 ;;
esac

# libstdc++6 is what Node is linked with beside libc.
debootstrap --variant=minbase --include=libstdc++6,ca-certificates "$suite" "$root" "$mirror" >"$root.log" 2>&1 ||
  { tail -n 20 "$root.log" >&2; exit 1; }
rm -rf "$root.log" "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}/*

# Where npm's registry is reached through something with a certificate of its own, npm has to trust it in there, too.
[ -z "${NODE_EXTRA_CA_CERTS:-}" ] || cp "$NODE_EXTRA_CA_CERTS" "$root/etc/ssl/certs/ca-certificates.crt"

packages=$(mktemp -d)
trap 'rm -rf "$packages"' EXIT
(cd "$packages" && npm pack --silent "node-$platform@$node_version" "npm@$npm_version" >/dev/null)
tar -xzf "$packages/node-$platform-$node_version.tgz" -C "$packages"
install -m 0755 "$packages/package/bin/node" "$root/usr/local/bin/node"
install -d "$root/usr/local/lib/node_modules/npm"
tar -xzf "$packages/npm-$npm_version.tgz" -C "$root/usr/local/lib/node_modules/npm" --strip-components=1 --no-same-owner
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$root/usr/local/bin/npm"
