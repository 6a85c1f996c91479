#!/usr/bin/env bash
# Unpacks Docker Compose v2, the peer of the benchmark, into DIR; nothing is installed.
#
#   get-compose.sh DIR      then: DIR/docker-compose version
#
# Debian 12 does not carry it, the next release does: its package is fetched with the machine's own mirror.
set -euo pipefail

dir=${1:?usage: get-compose.sh DIR}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
[ -x "$dir/docker-compose" ] && exec "$dir/docker-compose" version

state=$dir/apt
mkdir -p "$state/lists/partial" "$state/archives/partial"
mirror=$(sed -n 's/^URIs: *//p' /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1)
[ -n "$mirror" ] || mirror=$(awk '$1 == "deb" {for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) {print $i; exit}}' /etc/apt/sources.list)
[ -n "$mirror" ] || { echo "get-compose.sh: no Debian mirror in the machine's apt sources" >&2; exit 1; }
printf 'deb [signed-by=%s] %s trixie main\n' /usr/share/keyrings/debian-archive-keyring.gpg "$mirror" >"$state/list"
options=(
  -o "Dir::Etc::SourceList=$state/list" -o "Dir::Etc::SourceParts=/dev/null"
  -o "Dir::State::Lists=$state/lists" -o "Dir::Cache::Archives=$state/archives"
  -o APT::Sandbox::User=root -qq
)
apt-get "${options[@]}" update
(cd "$dir" && apt-get "${options[@]}" download docker-compose)
dpkg -x "$dir"/docker-compose_*.deb "$dir/root"
ln -sf root/usr/libexec/docker/cli-plugins/docker-compose "$dir/docker-compose"
rm -rf "$state" "$dir"/docker-compose_*.deb
"$dir/docker-compose" version
