#!/usr/bin/env bash
# The official image's health check, the tests that are in use:
#   --connect              a client gets through over TCP; not so during the
#                          first initialisation, which listens on a socket only
#   --innodb_initialized   the storage engine is up
# Every test named must hold. --su-mysql, --defaults-file and the like of the
# official one are taken where they come before a test.
set -eo pipefail

datadir=/var/lib/mysql
options=()
[ ! -f "$datadir/.my-healthcheck.cnf" ] || options+=("--defaults-extra-file=$datadir/.my-healthcheck.cnf")

sql() { mariadb "${options[@]}" --skip-column-names --batch --connect-timeout=5 "$@"; }

connect() {
  local answer
  # An account that is refused has reached the server all the same.
  answer=$(sql --protocol=tcp -h 127.0.0.1 -e 'SELECT 1' 2>&1) || case "$answer" in
    *'ERROR 1045'*) ;;
    *) return 1 ;;
  esac
}

innodb_initialized() {
  [ "$(sql -e "SELECT 1 FROM information_schema.ENGINES WHERE engine='innodb' AND support IN ('YES','DEFAULT','ENABLED')")" = 1 ]
}

[ $# -gt 0 ] || { echo "healthcheck.sh: no test named" >&2 && exit 1; }
tested=''
while [ $# -gt 0 ]; do
  case "$1" in
    --connect) connect || { echo "healthcheck connect failed" >&2 && exit 1; }; tested=1 ;;
    --innodb_initialized) innodb_initialized || { echo "healthcheck innodb_initialized failed" >&2 && exit 1; }; tested=1 ;;
    --no-defaults) options=() ;;
    --defaults-file=* | --defaults-extra-file=*) options=("$1") ;;
    --su-mysql) if [ "$(id -u)" = 0 ]; then shift && exec gosu mysql "${BASH_SOURCE[0]}" "$@"; fi ;;
    *) echo "healthcheck.sh: unknown test $1" >&2 && exit 1 ;;
  esac
  shift
done
[ -n "$tested" ] || { echo "healthcheck.sh: no test named" >&2 && exit 1; }
