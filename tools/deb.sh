#!/usr/bin/env bash
# Writes a Debian package of the bundle, with units for systemd: tools/deb.sh [DIR], by default to dist. Run it on a build.
# WITH_NODE=24 adds Node 24, for systems whose own is older than 20.19, such as Debian 12.
set -euo pipefail
here=$(realpath "$(dirname "$0")")

dir=$(realpath -m "${1:-$here/../dist}")
"$here/package.sh" "$dir" >/dev/null
version=$(node -p 'require(process.argv[1]).version' "$here/../cli/package.json")
if [ -n "${WITH_NODE:-}" ]; then
  bundle=$dir/enjambre-$version-linux-$(uname -m) architecture=$(dpkg --print-architecture)
  needs='Depends: libc6, libstdc++6'
else
  # Not Depends: Node need not come from a package of Debian. Debian 13 and NodeSource have new enough ones.
  bundle=$dir/enjambre-$version architecture=all
  needs='Recommends: nodejs (>= 20.19)'
fi

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 0755 "$root"
install -d "$root"/{DEBIAN,etc/enjambre,usr/{bin,lib/{enjambre,systemd/system,sysusers.d},share/doc/enjambre}}
cp -r "$bundle"/{bin,lib,package.json} "$root/usr/lib/enjambre/"
cp -r "$bundle/share/." "$root/usr/share/"
gzip --no-name -9 "$root"/usr/share/man/man1/*.1
ln -s ../lib/enjambre/bin/enjambre "$root/usr/bin/enjambre"
install -m 0644 "$here"/../deploy/systemd/*.service "$root/usr/lib/systemd/system/"
install -m 0644 "$here/../deploy/systemd/enjambre.sysusers" "$root/usr/lib/sysusers.d/enjambre.conf"
# They may hold passwords of NATS; systemd reads them as root.
install -m 0640 "$here"/../deploy/debian/*.env "$root/etc/enjambre/"
install -m 0644 "$bundle"/{README.md,LICENSE,THIRD-PARTY-LICENSES} "$here/../deploy/debian/copyright" "$root/usr/share/doc/enjambre/"
gzip --no-name -9 "$root/usr/share/doc/enjambre/THIRD-PARTY-LICENSES"
install -m 0755 "$here"/../deploy/debian/{postinst,prerm,postrm} "$root/DEBIAN/"
(cd "$root" && printf '/%s\n' etc/enjambre/*.env) >"$root/DEBIAN/conffiles"
cat >"$root/DEBIAN/control" <<CONTROL
Package: enjambre
Version: $version
Architecture: $architecture
Maintainer: Enjambre contributors <enjambre@localhost>
Installed-Size: $(du -sk "$root/usr" | cut -f1)
$needs
Section: net
Priority: optional
Description: moves large files to many machines at once
 The enjambre command with the tracker, the messaging service and the agent.
 Agents share and download files with the algorithms of BitTorrent over gRPC.
CONTROL
find "$root" -type d -exec chmod 0755 {} +
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-0}
dpkg-deb --root-owner-group --build "$root" "$dir/enjambre_${version}_$architecture.deb" >/dev/null
du -sh "$dir/enjambre_${version}_$architecture.deb"
