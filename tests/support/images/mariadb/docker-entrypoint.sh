#!/usr/bin/env bash
# Starts MariaDB by the contract of the official image: on an empty data folder
# it initialises one from MARIADB_* (or MYSQL_*), runs
# /docker-entrypoint-initdb.d against a server that only a socket reaches, then
# starts the real one.
set -eo pipefail
shopt -s nullglob

socket=/run/mysqld/mysqld.sock

note() { printf '%s [Note] [Entrypoint]: %s\n' "$(date --rfc-3339=seconds)" "$*"; }
fail() {
  printf '%s [ERROR] [Entrypoint]: %s\n' "$(date --rfc-3339=seconds)" "$*" >&2
  exit 1
}

# from_file NAME [ALIAS]: MARIADB_NAME, or MYSQL_NAME, or either's _FILE.
from_file() {
  local suffix=$1 prefix name file_name value=''
  for prefix in MARIADB MYSQL; do
    name=${prefix}_$suffix file_name=${prefix}_${suffix}_FILE
    if [ -n "${!name}" ] && [ -n "${!file_name}" ]; then
      fail "Both $name and $file_name are set (but are exclusive)"
    fi
    [ -n "$value" ] || value=${!name}
    if [ -z "$value" ] && [ -n "${!file_name}" ]; then value=$(<"${!file_name}"); fi
    unset "$file_name"
  done
  export "MARIADB_$suffix=$value"
}

# A string as SQL has it, in single quotes.
quoted() {
  local text=${1//\\/\\\\}
  printf "'%s'" "${text//\'/\\\'}"
}

sql() { mariadb --protocol=socket -uroot -hlocalhost --socket="$socket" --comments --database="${MARIADB_DATABASE_NOW:-mysql}" "$@"; }

# setting NAME ARGUMENTS…: what the server would take for it.
setting() {
  local name=$1
  shift
  "$@" --verbose --help --log-bin-index="$(mktemp -u)" 2>/dev/null | awk -v name="$name" '$1 == name && /^[^ \t]/ {sub(/^[^ \t]+[ \t]+/, ""); print; exit}'
}

start_temporary() {
  # Only over the socket: nobody outside may take it for the finished server.
  "$@" --skip-networking --default-time-zone=SYSTEM --socket="$socket" --wsrep_on=OFF \
    --expire-logs-days=0 --loose-innodb_buffer_pool_load_at_startup=0 &
  temporary=$!
  note "Waiting for server startup"
  local _
  for _ in $(seq 300); do
    if sql --skip-column-names <<<'SELECT 1' >/dev/null 2>&1; then return; fi
    kill -0 "$temporary" 2>/dev/null || break
    sleep 0.1
  done
  fail "Unable to start server."
}

stop_temporary() {
  kill "$temporary"
  wait "$temporary"
}

set_up() {
  local user password host create=''
  # Time zones take a while, and the official image loads them too.
  if [ -z "$MARIADB_INITDB_SKIP_TZINFO" ]; then
    mariadb-tzinfo-to-sql --skip-write-binlog /usr/share/zoneinfo 2>/dev/null | sql
  fi
  if [ -n "$MARIADB_RANDOM_ROOT_PASSWORD" ]; then
    MARIADB_ROOT_PASSWORD=$(pwgen --numerals --capitalize --symbols --remove-chars="'\\\\" -1 32)
    note "GENERATED ROOT PASSWORD: $MARIADB_ROOT_PASSWORD"
  fi
  password=$(quoted "$MARIADB_ROOT_PASSWORD")
  host=${MARIADB_ROOT_HOST:-%}
  if [ "$host" != localhost ]; then
    create="CREATE USER 'root'@$(quoted "$host") IDENTIFIED BY $password; GRANT ALL ON *.* TO 'root'@$(quoted "$host") WITH GRANT OPTION;"
  fi
  # The health check has an account of its own, with no more rights than it needs.
  local health
  health=$(pwgen --numerals --capitalize -1 32)
  sql --binary-mode <<EOS
SET @@SESSION.SQL_LOG_BIN=0;
SET @@SESSION.SQL_MODE=REPLACE(@@SESSION.SQL_MODE, 'NO_BACKSLASH_ESCAPES', '');
DROP USER IF EXISTS ''@'localhost', ''@'$(hostname)', 'root'@'$(hostname)';
DROP DATABASE IF EXISTS test;
SET PASSWORD FOR 'root'@'localhost' = PASSWORD($password);
$create
CREATE USER healthcheck@'127.0.0.1' IDENTIFIED BY '$health';
CREATE USER healthcheck@'::1' IDENTIFIED BY '$health';
CREATE USER healthcheck@localhost IDENTIFIED BY '$health';
GRANT USAGE ON *.* TO healthcheck@'127.0.0.1', healthcheck@'::1', healthcheck@localhost;
EOS
  printf '[mariadb-client]\nport=3306\nsocket=%s\nuser=healthcheck\npassword=%s\n' "$socket" "$health" >"$datadir/.my-healthcheck.cnf"
  chmod 600 "$datadir/.my-healthcheck.cnf"
  export MYSQL_PWD=$MARIADB_ROOT_PASSWORD
  if [ -n "$MARIADB_DATABASE" ]; then
    note "Creating database $MARIADB_DATABASE"
    sql <<<"CREATE DATABASE IF NOT EXISTS \`${MARIADB_DATABASE//\`/\`\`}\`;"
  fi
  if [ -n "$MARIADB_USER" ] && [ -n "$MARIADB_PASSWORD" ]; then
    note "Creating user $MARIADB_USER"
    user="$(quoted "$MARIADB_USER")@'%'"
    sql --binary-mode <<<"CREATE USER $user IDENTIFIED BY $(quoted "$MARIADB_PASSWORD");"
    if [ -n "$MARIADB_DATABASE" ]; then
      note "Giving user $MARIADB_USER access to schema $MARIADB_DATABASE"
      local schema=${MARIADB_DATABASE//\`/\`\`}
      # An underscore in a grant is a wildcard.
      sql <<<"GRANT ALL ON \`${schema//_/\\_}\`.* TO $user;"
    fi
  fi
}

run_init_files() {
  local file
  export MARIADB_DATABASE_NOW=${MARIADB_DATABASE:-mysql}
  for file in /docker-entrypoint-initdb.d/*; do
    case "$file" in
      *.sh)
        note "running $file"
        # shellcheck disable=SC1090
        if [ -x "$file" ]; then "$file"; else . "$file"; fi
        ;;
      *.sql) note "running $file" && sql <"$file" ;;
      *.sql.gz) note "running $file" && gunzip -c "$file" | sql ;;
      *.sql.xz) note "running $file" && xzcat "$file" | sql ;;
      *.sql.zst) note "running $file" && zstd -dc "$file" | sql ;;
      *) note "ignoring $file" ;;
    esac
  done
  unset MARIADB_DATABASE_NOW
}

main() {
  [ "${1:0:1}" != - ] || set -- mariadbd "$@"
  local argument
  for argument in "$@"; do
    case "$argument" in -'?' | --help | --print-defaults | -V | --version) exec "$@" ;; esac
  done
  if [ "$1" != mariadbd ] && [ "$1" != mysqld ]; then exec "$@"; fi

  note "Entrypoint script for MariaDB Server $MARIADB_VERSION started."
  local from_empty=''
  datadir=$(setting datadir "$@")
  datadir=${datadir%/}
  [ -n "$datadir" ] || fail "mariadbd failed while attempting to check config"
  if [ "$(id -u)" = 0 ]; then
    mkdir -p "$datadir" /run/mysqld
    find "$datadir" /run/mysqld \! -user mysql -exec chown mysql: '{}' +
    note "Switching to dedicated user 'mysql'"
    exec gosu mysql "${BASH_SOURCE[0]}" "$@"
  fi
  for argument in ROOT_HOST DATABASE USER PASSWORD ROOT_PASSWORD ALLOW_EMPTY_ROOT_PASSWORD RANDOM_ROOT_PASSWORD INITDB_SKIP_TZINFO; do
    from_file "$argument"
  done
  [ -n "$MARIADB_ALLOW_EMPTY_ROOT_PASSWORD" ] || MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=$MYSQL_ALLOW_EMPTY_PASSWORD

  if [ ! -d "$datadir/mysql" ]; then
    from_empty=1
    if [ -z "$MARIADB_ROOT_PASSWORD" ] && [ -z "$MARIADB_ALLOW_EMPTY_ROOT_PASSWORD" ] && [ -z "$MARIADB_RANDOM_ROOT_PASSWORD" ]; then
      fail "Database is uninitialized and password option is not specified
	You need to specify one of MARIADB_ROOT_PASSWORD, MARIADB_ALLOW_EMPTY_ROOT_PASSWORD and MARIADB_RANDOM_ROOT_PASSWORD"
    fi
    note "Initializing database files"
    mariadb-install-db --datadir="$datadir" --rpm --auth-root-authentication-method=normal --skip-test-db \
      --old-mode='UTF8_IS_UTF8MB3' --default-time-zone=SYSTEM --skip-log-bin --expire-logs-days=0 >/dev/null
    note "Database files initialized"
  fi
  if [ -n "$from_empty" ]; then
    note "Starting temporary server"
    start_temporary "$@"
    note "Temporary server started."
    set_up
    run_init_files
    note "Stopping temporary server"
    stop_temporary
    note "Temporary server stopped"
    note "MariaDB init process done. Ready for start up."
  fi
  unset MYSQL_PWD
  exec "$@"
}

main "$@"
