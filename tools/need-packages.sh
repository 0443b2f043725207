#!/usr/bin/env bash
# Makes sure of programs that a make target needs beside Node, Debian's packages: installs what is missing where it may.
# Usage: need-packages.sh PACKAGE...
set -euo pipefail

missing=()
for package in "$@"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  echo "installing: ${missing[*]}" >&2
  apt-get update -qq || true
  # Their own services are not wanted (RUNLEVEL=1): what needs them starts processes of its own.
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null && exit 0
fi
echo "${missing[*]} missing: install with apt-get install ${missing[*]}" >&2
exit 1
