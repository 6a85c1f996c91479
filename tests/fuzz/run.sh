#!/usr/bin/env bash
# Fuzzes what reads files, one target after another, and tells how many inputs each was given.
#
#   tests/fuzz/run.sh [--seconds N] [TARGET…]
#
#   --seconds N   for each target (180)
#
# Installs cargo-fuzz where it is not there. No sanitizer is used, as coasti has no unsafe code: so a stable Rust
# is enough, and a C++ compiler for libFuzzer. What was found is in target/fuzz/corpus and starts the next run;
# an input that breaks something is in target/fuzz/artifacts, and `tests/fuzz/run.sh --input FILE TARGET` runs it.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root"
seconds=180 input=''
while [ $# -gt 0 ]; do
  case "$1" in
    --seconds) seconds=$2 && shift 2 ;;
    --input) input=$(realpath "$2") && shift 2 ;;
    -h | --help)
      sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//p}' "$0"
      exit 0
      ;;
    *) break ;;
  esac
done

if ! command -v cargo-fuzz >/dev/null 2>&1; then
  echo "fuzz: installing cargo-fuzz" >&2
  cargo install cargo-fuzz --locked >&2
fi

# Into a folder of their own: they are built with other flags than coasti.
export CARGO_TARGET_DIR=$root/target/fuzz
fuzz() { nice -n 10 cargo fuzz "$1" --fuzz-dir tests/fuzz --sanitizer none "${@:2}"; }

if [ $# -eq 0 ]; then
  mapfile -t targets < <(cd tests/fuzz/targets && ls | sed 's/\.rs$//')
  set -- "${targets[@]}"
fi
fuzz build >&2
programs=$(dirname "$(find target/fuzz -path '*/release/*' -name "$1" -type f -perm -u+x | head -n 1)")

if [ -n "$input" ]; then
  exec "$programs/$1" "$input"
fi

# The examples are inputs as well.
extra() {
  case "$1" in
    yaml | format | migrate) find examples -name 'compose.yml' ;;
    compose) find examples -name 'compose.yml' ;;
    build_files) find examples -name '*Dockerfile' ;;
  esac
}

failed=''
for target in "$@"; do
  corpus=target/fuzz/corpus/$target
  mkdir -p "$corpus" "target/fuzz/artifacts/$target"
  cp tests/fuzz/seeds/"$target"/* "$corpus"
  number=0
  while read -r file; do
    number=$((number + 1))
    cp "$file" "$corpus/example-$number"
  done < <(extra "$target")
  log=target/fuzz/$target.log
  # What a target may have: 1 GB, and 5 s for one input.
  nice -n 10 "$programs/$target" "$corpus" -max_total_time="$seconds" -rss_limit_mb=1024 -timeout=5 \
    -artifact_prefix="target/fuzz/artifacts/$target/" -print_final_stats=1 -verbosity=0 >"$log" 2>&1 ||
    failed="$failed $target"
  count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  printf '%-14s %10s inputs%s\n' "$target" "${count:-?}" "$(case " $failed " in *" $target "*) echo ': FAILED, see' "$log" ;; esac)"
done
[ -z "$failed" ]
