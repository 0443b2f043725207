#!/usr/bin/env bash
# A lab on one machine: hosts in network namespaces behind a bridge, the link of each limited both ways (token bucket).
# Usage, as root: netns.sh NAME RATE...      NAME: unique, at most 10 characters; a RATE (160mbit) for each host
#
# Host i (1, 2, …) is namespace NAMEh<i> with address SUBNET.<i>; the bridge end of its link is device NAMEv<i>, and
# this machine is SUBNET.254, without a limit. When it is up, it prints {"subnet":"SUBNET"}. It runs until its standard
# input ends, however its parent ends, and then removes everything that it created, with all processes in it.
set -euo pipefail

name=$1
shift
hosts=0
bridge=

down() {
  local i
  for ((i = 1; i <= hosts; i++)); do
    ip netns pids "${name}h$i" | xargs -r kill -KILL 2>/dev/null || true
    ip link del "${name}v$i" 2>/dev/null || true
    ip netns del "${name}h$i" || true
  done
  [ -z "$bridge" ] || ip link del "$bridge" || true
}
# Ctrl-C reaches every process of the terminal; the parent decides when this one ends.
trap '' INT
trap 'exit 143' TERM
trap down EXIT

free_subnet() {
  local third
  for third in $(shuf -i 0-255); do
    if ! ip -4 -o addr show | grep -q "inet 10\.213\.$third\."; then
      echo "10.213.$third"
      return
    fi
  done
  return 1
}

add_host() {
  local ns=${name}h$1 link=${name}v$1 rate=$2
  ip netns add "$ns"
  hosts=$1
  ip link add "$link" type veth peer name eth0 netns "$ns"
  ip link set "$link" master "$bridge" up
  ip -n "$ns" addr add "$subnet.$1/24" dev eth0
  ip -n "$ns" link set eth0 up
  ip -n "$ns" link set lo up
  tc qdisc add dev "$link" root tbf rate "$rate" burst 256kb latency 30ms      # to the host: its download
  tc -n "$ns" qdisc add dev eth0 root tbf rate "$rate" burst 256kb latency 30ms # from it: its upload
}

subnet=$(free_subnet)
ip link add "${name}br" type bridge
bridge=${name}br
ip addr add "$subnet.254/24" dev "$bridge"
ip link set "$bridge" up
for rate in "$@"; do add_host $((hosts + 1)) "$rate"; done
echo "{\"subnet\":\"$subnet\"}"
read -r _ || true
