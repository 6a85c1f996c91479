#!/usr/bin/env bash
# A second Docker engine for tests that kill engines or fill their disk.
#
#   second-engine.sh up DIR [SIZE]   start one; its socket is DIR/docker.sock
#   second-engine.sh kill DIR        kill -9 the engine; its containers go on
#   second-engine.sh crash DIR       kill -9 everything of it, containers too
#   second-engine.sh start DIR       start it again
#   second-engine.sh run DIR CMD…    run a command where it lives
#   second-engine.sh down DIR        end it and all it made
#
# It lives in namespaces of its own (processes, mounts, network), which one
# process keeps; when that ends, the kernel ends and unmounts all the rest. Its
# data is in memory (SIZE, 512m unless given) and is never on this machine's
# disk. It has no way out: load images into it.
set -euo pipefail

die() { echo "second-engine: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || die "run it as root"
[ $# -ge 2 ] || { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//p}' "$0" && exit 64; }
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
do=$1 dir=$2
shift 2
group=/coasti-test-${dir##*/}

# The process that keeps the namespaces; 1 in its own.
keeper() { cat "$dir/keeper" 2>/dev/null || die "nothing runs in $dir"; }
inside() { nsenter --target "$(keeper)" --mount --net --pid --wd=/ -- "$@"; }
answers() { docker --host "unix://$dir/docker.sock" version >/dev/null 2>&1; }

# What PID 1 of the new namespaces does: sets them up, then reaps.
keep() {
  mount --make-rprivate /
  mkdir -p "$dir/cgroup" "$dir/data"
  # Its own /sys shows its own network devices; control groups are the machine's.
  mount --rbind /sys/fs/cgroup "$dir/cgroup"
  mount -t sysfs sysfs /sys
  mount --rbind "$dir/cgroup" /sys/fs/cgroup
  mount -t tmpfs -o "size=$1,mode=711" tmpfs "$dir/data"
  # Another engine's sockets and name spaces are here.
  local folder
  for folder in /run/docker /run/containerd; do
    mkdir -p "$folder"
    mount -t tmpfs tmpfs "$folder"
  done
  ip link set lo up
  touch "$dir/ready"
  while :; do
    sleep 3600 &
    wait $! || true
  done
}

start() {
  # A killed engine leaves these, and their numbers are soon taken again.
  rm -f "$dir/docker.sock" "$dir/pid"
  inside sh -c 'rm -f "$1/data/exec/containerd/containerd.pid"' sh "$dir"
  setsid nsenter --target "$(keeper)" --mount --net --pid --wd=/ -- dockerd \
    --data-root "$dir/data/root" --exec-root "$dir/data/exec" --pidfile "$dir/pid" \
    --host "unix://$dir/docker.sock" --cgroup-parent "$group" \
    --exec-opt native.cgroupdriver=cgroupfs >>"$dir/log" 2>&1 </dev/null &
  for _ in $(seq 1 300); do
    if answers; then return 0; fi
    sleep 0.1
  done
  tail -n 20 "$dir/log" >&2
  die "it does not answer; its log is $dir/log"
}

down() {
  local pid
  # Killing what forked the keeper kills that, and with it everything inside.
  pid=$(cat "$dir/parent" 2>/dev/null || true)
  if [ -n "$pid" ]; then
    kill -9 "$pid" 2>/dev/null || true
    for _ in $(seq 1 100); do
      [ -e "/proc/$(cat "$dir/keeper" 2>/dev/null || echo none)" ] || break
      sleep 0.05
    done
  fi
  find /sys/fs/cgroup -depth -type d -path "*$group*" -exec rmdir {} + 2>/dev/null || true
  rm -rf "$dir"
}

case "$do" in
  up)
    mkdir -p "$dir"
    setsid unshare --mount --net --pid --fork --kill-child --mount-proc \
      "$(readlink -f "$0")" keep "$dir" "${1:-512m}" >"$dir/log" 2>&1 </dev/null &
    echo $! >"$dir/parent"
    for _ in $(seq 1 100); do
      [ -e "$dir/ready" ] && break
      sleep 0.05
    done
    [ -e "$dir/ready" ] || { cat "$dir/log" >&2; die "the namespaces were not made"; }
    pgrep -P "$(cat "$dir/parent")" >"$dir/keeper"
    start
    ;;
  keep) keep "$@" ;;
  kill) inside sh -c 'kill -9 "$(cat "$1")"' sh "$dir/pid" ;;
  crash) inside sh -c 'kill -9 -1' || true ;;
  start) start ;;
  run) inside "$@" ;;
  down) down ;;
  *) die "unknown word $do" ;;
esac
