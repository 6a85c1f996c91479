#!/usr/bin/env bash
# Runs every test.
#
#   tests/all.sh [--yes] [--fast] [ARGUMENTS OF cargo test…]
#
#   --fast   without an engine: the scenarios that need one are left out
#   --yes    install and start what is missing without asking (so does CI=true)
#
# Finds a Docker engine, or offers to install and start one; builds the images
# that the scenarios run, where they are not there yet; then runs cargo test.
# A few tests need an ssh server (sshd): it is offered likewise, and without one
# they say that they are left out.
# All else goes on, so `tests/all.sh plan::` runs the tests of that name and
# `tests/all.sh --test NAME -- --nocapture` one file of them.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/tests/support/engine.sh"
. "$root/tests/support/rust.sh"
. "$root/tests/support/servers.sh"

fast=''
while [ $# -gt 0 ]; do
  case "$1" in
    --fast) fast=1 ;;
    -y | --yes) export ENGINE_YES=1 ;;
    -h | --help)
      sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//p}' "$0"
      exit 0
      ;;
    *) break ;;
  esac
  shift
done

cd "$root"
rust_ensure "$root" || exit 1

# Every script at least parses; where shellcheck is there, it has its say too.
mapfile -t scripts < <(git ls-files -co --exclude-standard -- '*.sh' .ci/run benches 2>/dev/null |
  while read -r file; do if head -n 1 "$file" 2>/dev/null | grep -qE '^#.*(bash|/sh)'; then echo "$file"; fi; done)
for script in "${scripts[@]}"; do bash -n "$script"; done
if command -v shellcheck >/dev/null 2>&1; then
  shellcheck --severity=warning "${scripts[@]}" >&2
fi

servers_ensure
unset COASTI_TEST_ENGINE
if [ -z "$fast" ]; then
  engine_ensure || { echo "tests: no engine. Without one: tests/all.sh --fast" >&2 && exit 1; }
  tests/support/images.sh >/dev/null
  export COASTI_TEST_ENGINE=1
else
  echo "tests: without an engine; the scenarios that need one are left out" >&2
fi

# The tests of the documentation come first, so that the last line is the last
# suite's result and not their usual "0 passed".
if [ $# -gt 0 ]; then
  cargo test --locked "$@"
else
  cargo test --locked --doc
  cargo test --locked --lib --bins --tests
fi
