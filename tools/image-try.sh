#!/usr/bin/env bash
# Builds the image and tries it, without Docker: buildah with chroot isolation, on a base by debootstrap.
# Then runs a tracker, a messaging service and two agents from its root, each as the image's user with a read-only root,
# and transfers a file between the agents. Loopback only; under 1 GB of disk, all of it removed afterwards.
set -euo pipefail
cd "$(dirname "$0")/.."

[ "$(id -u)" -eq 0 ] || { echo "make image-try requires root, for debootstrap and chroot" >&2; exit 1; }
tools/need-packages.sh buildah debootstrap

work=$(mktemp -d /var/tmp/enjambre-image.XXXXXX)
pids=()
buildah() { command buildah --root "$work/store" --runroot "$work/run" --storage-driver vfs "$@"; }

clean_up() {
  for pid in "${pids[@]}"; do kill -KILL "$pid" 2>/dev/null || true; done
  wait
  buildah umount --all >/dev/null 2>&1 || true
  rm -rf --one-file-system "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

say() { echo "▸ $*"; }
fail() { echo "✘ $*" >&2; tail -n 5 "$work"/*.log >&2 || true; exit 1; }

say "a base: debootstrap, and Node from npm's registry"
tools/image-base.sh "$work/base"
container=$(buildah from scratch)
buildah add -q "$container" "$work/base" / >/dev/null
rm -rf "$work/base"
buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
[ -z "${NODE_EXTRA_CA_CERTS:-}" ] ||
  buildah config --env NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt "$container"
buildah commit -q --rm "$container" localhost/node-stand-in >/dev/null

say "the image: deploy/docker/Dockerfile"
secrets=()
[ ! -f "$HOME/.npmrc" ] || secrets=(--secret "id=npmrc,src=$HOME/.npmrc")
buildah build -q --isolation chroot --layers=false "${secrets[@]}" --build-arg NODE_IMAGE=localhost/node-stand-in \
  -f deploy/docker/Dockerfile -t localhost/enjambre . >"$work/build.log" 2>&1 || fail "the build failed"
buildah images --format '  {{.Name}} {{.Size}}'

of_image() { buildah inspect --type image --format "$1" localhost/enjambre; }
user=$(of_image '{{.OCIv1.Config.User}}')
entrypoint=$(of_image '{{index .OCIv1.Config.Entrypoint 0}}')
mapfile -t environment < <(of_image '{{range .OCIv1.Config.Env}}{{println .}}{{end}}' | sed '/^$/d')
root=$(buildah mount "$(buildah from localhost/enjambre)")

# inside NAME COMMAND…: runs a command in the image's root, which is read-only except for the volume of NAME.
inside() {
  local data=$work/data/$1
  [ -d "$data" ] || install -d -o "${user%:*}" -g "${user#*:}" -m 0700 "$data"
  shift
  exec unshare --mount --propagation private bash -euc '
    root=$1 data=$2 user=$3 count=$4
    shift 4
    environment=("${@:1:count}")
    shift "$count"
    mount --bind "$root" "$root"
    mount --bind "$data" "$root/var/lib/enjambre"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount -o remount,bind,ro "$root"
    exec env -i "${environment[@]}" chroot --userspec="$user" "$root" "$@"
  ' - "$root" "$data" "$user" "${#environment[@]}" "${environment[@]}" "$@"
}
run() { (inside "$@"); }
start() {
  local name=$1
  shift
  (inside "$name" "$entrypoint" "$@") >"$work/$name.log" 2>&1 &
  pids+=($!)
}
# Prints the port in the log of NAME, which the system chose.
port_of() {
  local port
  for _ in $(seq 150); do
    port=$(sed -nE "s/.*$2[^\"]*:([0-9]+).*/\1/p" "$work/$1.log" | head -n 1)
    [ -z "$port" ] || { echo "$port"; return; }
    sleep 0.2
  done
  fail "$1 does not say where it listens"
}

say "what runs: $(run version "$entrypoint" --version) on Node $(run version node --version), user $user"
[ "$(run version id -u)" = "${user%:*}" ] || fail "it does not run as $user"
if run version touch /app/x 2>/dev/null; then fail "the root can be written to"; fi

if run version test -e /app/node_modules; then fail "it holds what only development needs"; fi

say "a tracker, a messaging service and two agents, from that root"
start messaging messaging --listen 127.0.0.1:0
messaging=127.0.0.1:$(port_of messaging 'messaging listening on')
start tracker tracker --listen 127.0.0.1:0 --messaging "$messaging"
tracker=127.0.0.1:$(port_of tracker 'tracker listening on')
for name in a b; do
  start "$name" agent --name "$name" --listen 127.0.0.1:0 --tracker "$tracker" --messaging "$messaging"
  run "$name" "$entrypoint" health "127.0.0.1:$(port_of "$name" 'agent [^"]*listening on')" >/dev/null
done
run a "$entrypoint" health "$tracker" >/dev/null
run a "$entrypoint" health "$messaging" >/dev/null

# Only reflection reads descriptors.binpb.
buf curl --protocol grpc --http2-prior-knowledge --list-methods "http://$tracker" | grep TrackerService/Connect >/dev/null ||
  fail "reflection knows no methods"

say "64 MiB from agent a to agent b"
head -c 64M /dev/urandom >"$work/data/a/payload.bin"
run a "$entrypoint" share /var/lib/enjambre/payload.bin >/dev/null
run b "$entrypoint" get payload.bin --output /var/lib/enjambre --timeout 120 >/dev/null
cmp "$work/data/a/payload.bin" "$work/data/b/payload.bin" || fail "the copy differs"

say "SIGTERM: all end by themselves, with 0"
kill -TERM "${pids[@]}"
for pid in "${pids[@]}"; do
  timeout 15 tail --pid="$pid" -f /dev/null || fail "one does not stop"
  wait "$pid" || fail "one ends with $?"
done
pids=()
echo "✔ the image works: built, run as $user on a read-only root, a file transferred"
