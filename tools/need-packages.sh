#!/usr/bin/env bash
# Ensures Debian packages that a make target needs besides Node: installs missing ones if it has the rights.
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
  # Do not start their services (RUNLEVEL=1): the targets start their own processes.
  DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null && exit 0
fi
echo "missing: ${missing[*]}; run apt-get install ${missing[*]}" >&2
exit 1
