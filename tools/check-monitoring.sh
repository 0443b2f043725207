#!/usr/bin/env bash
# Checks the sample configuration and the alerts for Prometheus, and runs the alerts' unit tests. If promtool is missing,
# installs Debian's prometheus if it has the rights; with --if-there it skips the check instead.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v promtool >/dev/null; then
  [ "${1:-}" != --if-there ] || exit 0
  tools/need-packages.sh prometheus
fi
cd deploy/monitoring/prometheus
promtool check config prometheus.yaml >/dev/null
promtool check rules rules.yaml >/dev/null
promtool test rules rules.test.yaml >/dev/null
