#!/usr/bin/env bash
# Measures coasti beside Docker Compose v2 on the same containers, in one run, and the engine's own limit.
#
#   run.sh [N…]            default: 10 50 100
#
# Wants an engine (tests/support/engine.sh), the image coasti-test/tiny:1 (tests/support/images.sh tiny), python3
# and GNU time. Prints a Markdown table: medians, in seconds; peak memory in MB.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cd "$here/.."
sizes=("$@")
[ ${#sizes[@]} -gt 0 ] || sizes=(10 50 100)
work=$(mktemp -d)
export COMPOSE_PROGRESS=quiet NO_COLOR=1
cargo build --release --locked --quiet
coasti=$PWD/target/release/coasti
[ -n "${CARGO_TARGET_DIR:-}" ] && coasti=$CARGO_TARGET_DIR/release/coasti
"$here/get-compose.sh" "${COASTI_PEER_DIR:-$work/peer}" >&2
compose=${COASTI_PEER_DIR:-$work/peer}/docker-compose

# seconds FILE COMMAND…: appends "SECONDS KILOBYTES" to FILE.
seconds() {
  local file=$1
  shift
  /usr/bin/time -o "$work/time" -f '%e %M' "$@" >"$work/out" 2>&1 || { cat "$work/out" "$work/time" >&2; exit 1; }
  tail -n 1 "$work/time" >>"$file"
}
# finely FILE TIMES COMMAND…: likewise for what takes milliseconds.
finely() {
  local file=$1 times=$2
  shift 2
  for _ in $(seq 1 "$times"); do
    local began ended
    began=$(date +%s%N)
    /usr/bin/time -o "$work/time" -f '%M' "$@" >"$work/out" 2>&1 || { cat "$work/out" >&2; exit 1; }
    ended=$(date +%s%N)
    echo "$(awk "BEGIN {print ($ended - $began) / 1e9}") $(tail -n 1 "$work/time")" >>"$file"
  done
}
median() { sort -n "$1" | awk '{a[NR] = $1} END {printf "%.3f", a[int((NR + 1) / 2)]}'; }
memory() { cat "$@" | awk '$2 > m {m = $2} END {printf "%.0f", m / 1024}'; }
ratio() { awk "BEGIN {printf \"%.2f\", $1 / $2}"; }

clean() {
  docker ps -aq --filter label=coasti.stack=bench | xargs -r docker rm -f >/dev/null
  docker network ls -q --filter label=coasti.stack=bench | xargs -r docker network rm >/dev/null
  docker volume ls -q --filter label=coasti.stack=bench | xargs -r docker volume rm >/dev/null
  docker ps -aq --filter label=com.docker.compose.project=benchpeer | xargs -r docker rm -f >/dev/null
  docker network ls -q --filter label=com.docker.compose.project=benchpeer | xargs -r docker network rm >/dev/null
  docker volume ls -q --filter label=com.docker.compose.project=benchpeer | xargs -r docker volume rm >/dev/null
}
trap 'clean || true; rm -rf "$work"' EXIT
clean

echo "| N | what | coasti | Compose | ratio | engine's limit |"
echo "|---|---|---|---|---|---|"
for n in "${sizes[@]}"; do
  rounds=3
  [ "$n" -ge 100 ] && rounds=2
  t=$work/$n
  mkdir -p "$t"
  for round in $(seq 1 "$rounds"); do
    stack=$t/stack$round
    "$here/make-stack.sh" "$n" "$stack"
    peer=("$compose" -f "$stack/compose.yml")
    ours=("$coasti" -C "$stack/coasti")
    seconds "$t/c.up" "${ours[@]}" apply --yes
    finely "$t/c.plan" 7 "${ours[@]}" plan
    finely "$t/c.none" 3 "${ours[@]}" apply --yes
    "$here/make-stack.sh" "$n" "$stack" --change 1
    finely "$t/c.one" 1 "${ours[@]}" apply --yes
    seconds "$t/c.down" "${ours[@]}" destroy --yes
    clean
    "$here/make-stack.sh" "$n" "$stack"
    seconds "$t/p.up" "${peer[@]}" up -d
    finely "$t/p.none" 7 "${peer[@]}" up -d
    "$here/make-stack.sh" "$n" "$stack" --change 1
    finely "$t/p.one" 1 "${peer[@]}" up -d
    seconds "$t/p.down" "${peer[@]}" down
    clean
    python3 "$here/limit.py" "$n" >>"$t/limit"
  done
  column() { awk -v c="$1" '{print $c}' "$t/limit" >"$t/limit.$1"; median "$t/limit.$1"; }
  row() { # row WHAT OURS PEERS LIMIT
    local a b
    a=$(median "$t/$2") b=$(median "$t/$3")
    echo "| $n | $1 | $a | $b | $(ratio "$a" "$b") | $4 |"
  }
  row "first up" c.up p.up "$(column 1)"
  row "nothing changed: plan" c.plan p.none "$(awk "BEGIN {printf \"%.3f\", $(column 2) / 1000}")"
  row "nothing changed: apply" c.none p.none "-"
  row "one variable changed" c.one p.one "-"
  row "down, data kept" c.down p.down "$(column 3)"
  echo "| $n | peak memory, MB | $(memory "$t"/c.*) | $(memory "$t"/p.*) | | |"
done
