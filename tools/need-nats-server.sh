#!/usr/bin/env bash
# Ensures a nats-server for the tests that need a real one: installs Debian's package if it has the rights.
set -euo pipefail
export PATH="$PATH:/usr/sbin"

command -v nats-server >/dev/null && exit 0
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo -n)
if command -v apt-get >/dev/null; then
  echo "installing nats-server (Debian's package) for the tests"
  "${as_root[@]}" apt-get update -qq || true
  # Do not start its service: the tests start their own servers.
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq nats-server >/dev/null || true
fi
command -v nats-server >/dev/null && exit 0
echo "nats-server is missing: install it (apt-get install nats-server), or its tests fail" >&2
