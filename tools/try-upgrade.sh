#!/usr/bin/env bash
# Builds an older version from the git history and runs it beside this one: files and messages go both ways, with
# tracker and messaging service of each. Usage: tools/try-upgrade.sh [COMMIT]; by default the last tag, or where this
# branch left main, or else the previous commit. OLD_BUILD=FOLDER: use that working tree, already built, instead.
set -euo pipefail
cd "$(dirname "$0")/.."
new=$PWD

old_commit=${1:-$(git describe --tags --abbrev=0 HEAD~1 2>/dev/null || true)}
if [ -z "$old_commit" ]; then
  old_commit=$(git merge-base HEAD refs/remotes/origin/main 2>/dev/null || git merge-base HEAD refs/heads/main 2>/dev/null || true)
  [ "$old_commit" != "$(git rev-parse --verify --quiet HEAD)" ] || old_commit=
fi
old_commit=$(git rev-parse --verify --quiet "${old_commit:-HEAD~1}^{commit}" || true)
if [ -z "$old_commit" ] && [ -z "${OLD_BUILD:-}" ]; then
  echo 'try-upgrade needs the git history, which is missing here (a shallow clone? git fetch --unshallow)' >&2
  exit 1
fi

work=$(mktemp -d)
pids=()
stop_all() {
  [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
  wait
  pids=()
}
trap 'exit 1' INT TERM
trap 'stop_all; git worktree remove --force "$work/old" 2>/dev/null || true; rm -rf "$work"' EXIT

old=${OLD_BUILD:-$work/old}
if [ -z "${OLD_BUILD:-}" ]; then
  echo "▸ building ${old_commit:0:7}, the older version"
  git worktree add --quiet --detach "$old" "$old_commit"
  (cd "$old" && make --no-print-directory build) >"$work/build.log" 2>&1 || { tail -20 "$work/build.log" >&2; exit 1; }
fi

# Starts a service of a version in the background: start VERSION NAME COMMAND…; sets $address to its address.
start() {
  local version=$1 name=$2
  shift 2
  : >"$work/$name.log"
  ENJAMBRE_LOG_FORMAT=json node "$(cli "$version")" "$@" >"$work/$name.log" 2>&1 &
  pids+=($!)
  for _ in $(seq 200); do
    address=$(sed -n 's/.*"address":"\([^"]*\)".*/\1/p' "$work/$name.log" | head -1)
    [ -z "$address" ] || return 0
    sleep 0.1
  done
  echo "$name did not start:" >&2
  cat "$work/$name.log" >&2
  exit 1
}
cli() { if [ "$1" = old ]; then echo "$old/cli/bin/enjambre.js"; else echo "$new/cli/bin/enjambre.js"; fi; }
# Runs a command of a version on the agent of that version.
on() { local version=$1; shift; node "$(cli "$version")" "$@" --data-dir "$run/$version"; }

# Shares with one version, downloads with the other, compares.
move() {
  local from=$1 to=$2 file=$run/$1-to-$2.bin
  head -c 20000000 /dev/urandom >"$file"
  infohash=$(on "$from" share "$file" --json | sed -n 's/.*"infohash":"\([0-9a-f]*\)".*/\1/p' | tail -1)
  on "$to" get "$infohash" --output "$run/$to-files" --timeout 60 >/dev/null
  cmp "$file" "$run/$to-files/$from-to-$to.bin"
  echo "  ✔ 20 MB from the $from agent to the $to one"
}

# Sends a message each way, between agents of these names.
talk() {
  on "$1" send "$2" "from $1" >/dev/null
  for _ in $(seq 100); do
    if on "$2" inbox --all | grep -q "from $1"; then echo "  ✔ a message from the $1 agent to the $2 one"; return; fi
    sleep 0.1
  done
  echo "the $2 agent did not receive the message" >&2
  exit 1
}

for services in old new; do
  echo "▸ tracker and messaging service of the $services version, an agent of each"
  run=$work/run-$services
  mkdir -p "$run/old-files" "$run/new-files"
  start "$services" "tracker-$services" tracker --listen 127.0.0.1:0
  tracker=$address
  start "$services" "messaging-$services" messaging --listen 127.0.0.1:0
  for version in old new; do
    messaging=$(sed -n 's/.*"address":"\([^"]*\)".*/\1/p' "$work/messaging-$services.log" | head -1)
    start "$version" "agent-$services-$version" agent --name "$version" --data-dir "$run/$version" --listen 127.0.0.1:0 \
      --tracker "$tracker" --messaging "$messaging"
  done
  for _ in $(seq 100); do
    [ "$(node "$(cli new)" peers --tracker "$tracker" --json | wc -l)" -lt 2 ] || break
    sleep 0.1
  done
  node "$(cli new)" peers --tracker "$tracker" --json | sed -n 's/.*"name":"\([^"]*\)".*"version":"\([^"]*\)".*/  \1: version \2/p'
  move old new
  move new old
  talk old new
  talk new old
  if grep -hE '"level":(50|60|"error"|"fatal")|UNKNOWN_MESSAGE|PROTOCOL_VIOLATION|UNEXPECTED_MESSAGE' "$work"/*-"$services"*.log; then
    echo 'the lines above from the logs are unexpected' >&2
    exit 1
  fi
  stop_all
done
echo '▸ the new agent on the data folders of the old one'
run=$work/run-new
start new tracker-after tracker --listen 127.0.0.1:0
start new agent-after agent --name upgraded --data-dir "$run/old" --listen 127.0.0.1:0 --tracker "$address"
node "$new/cli/bin/enjambre.js" ls --data-dir "$run/old" --json | grep -c '"state":"seeding"' | sed 's/$/ transfers are seeding/; s/^/  ✔ /'
stop_all
