#!/usr/bin/env bash
# Writes the benchmark stack twice: as a coasti stack in DIR/coasti and as DIR/compose.yml.
#
#   make-stack.sh N DIR [--change I]
#
# N containers: N/2 apps, each with one provider, a network of the two, a volume and five variables each; an app
# starts after its provider. --change I alters one variable of app I. No health checks and no settle time: what
# is measured is the tool and the engine, not waiting.
set -euo pipefail

n=${1:?usage: make-stack.sh N DIR [--change I]}
dir=${2:?usage: make-stack.sh N DIR [--change I]}
change=0
[ "${3:-}" = --change ] && change=${4:?--change wants a number}
apps=$((n / 2))
image=coasti-test/tiny:1

mkdir -p "$dir/coasti/config" "$dir/coasti/products/bench"
cat >"$dir/coasti/config/products.yml" <<YAML
version: 1
products:
  - {id: bench, dst_path: products/bench}
YAML
cat >"$dir/coasti/products/bench/info.yml" <<YAML
version: 1
id: bench
name: Benchmark
app:
  metadata: {id: bench, version: "1", title: Benchmark, author: coasti}
  image: $image
  docker: {command: [sleep, "86400"], stop_signal: SIGKILL}
  volume: [{name: data, target: /data}]
  provider:
    - name: db
      type: docker-image
      network: true
      base-image: $image
      docker: {command: [sleep, "86400"], stop_signal: SIGKILL}
      env: {P0: value-0, P1: value-1, P2: value-2, P3: value-3, P4: value-4}
      volume: [{name: data, target: /data}]
YAML

# The id is written by the first apply; a changed stack keeps the one that is there.
id=$(sed -n 's/^id: //p' "$dir/coasti/config/deploy.yml" 2>/dev/null || true)
{
  echo "version: 1"
  echo "stack: bench"
  [ -n "$id" ] && echo "id: $id"
  echo "site:"
  for i in $(seq 1 "$apps"); do
    first=value-$i-0
    [ "$i" = "$change" ] && first=changed-$i
    echo "  - label: a$i"
    echo "    image: bench"
    echo "    domain: a$i.localhost"
    echo "    update: {settle: 0s}"
    echo "    env: {E0: $first, E1: value-$i-1, E2: value-$i-2, E3: value-$i-3, E4: value-$i-4}"
  done
} >"$dir/coasti/config/deploy.yml.new"
mv "$dir/coasti/config/deploy.yml.new" "$dir/coasti/config/deploy.yml"

{
  echo "name: benchpeer"
  echo "x-one: &one"
  echo "  image: $image"
  echo "  command: [sleep, \"86400\"]"
  echo "  stop_signal: SIGKILL"
  echo "  restart: always"
  echo "services:"
  for i in $(seq 1 "$apps"); do
    first=value-$i-0
    [ "$i" = "$change" ] && first=changed-$i
    echo "  a$i:"
    echo "    <<: *one"
    echo "    environment: {E0: $first, E1: value-$i-1, E2: value-$i-2, E3: value-$i-3, E4: value-$i-4}"
    echo "    volumes: [\"a$i:/data\"]"
    echo "    networks: [\"n$i\"]"
    echo "    depends_on: [\"d$i\"]"
    echo "  d$i:"
    echo "    <<: *one"
    echo "    environment: {P0: value-0, P1: value-1, P2: value-2, P3: value-3, P4: value-4}"
    echo "    volumes: [\"d$i:/data\"]"
    echo "    networks: {\"n$i\": {aliases: [db]}}"
  done
  echo "volumes:"
  for i in $(seq 1 "$apps"); do echo "  a$i: {}"; echo "  d$i: {}"; done
  echo "networks:"
  for i in $(seq 1 "$apps"); do
    # Docker's own pool holds about thirty networks.
    echo "  n$i: {ipam: {config: [{subnet: 10.$((200 + i / 250)).$((i % 250)).0/26}]}}"
  done
} >"$dir/compose.yml"
