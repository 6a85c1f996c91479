#!/usr/bin/env bash
# shellcheck disable=SC2016
# Starts each stand-in image as its official namesake is started and checks what
# a stack relies on: the first start, a restart with the same volume, a missing
# and a wrong password, the settings that the image declares.
#
#   tests/support/images-check.sh [NAME…]        (postgres mariadb redis wordpress)
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/engine.sh"
[ $# -gt 0 ] || set -- volume postgres mariadb redis wordpress
[ -n "${DOCKER_HOST:-}" ] && engine_answers "$DOCKER_HOST" || engine_ensure || exit 1

# Everything made here bears this name, and is removed by it.
run=coasti-check-$$
clean() {
  docker ps -aq --filter "name=^$run" | xargs -r docker rm -fv >/dev/null
  docker volume ls -q --filter "name=^$run" | xargs -r docker volume rm >/dev/null
  docker network ls -q --filter "name=^$run" | xargs -r docker network rm >/dev/null
}
trap clean EXIT

passed=0
ok() {
  passed=$((passed + 1))
  printf '  ok: %s\n' "$*"
}
die() {
  printf '  FAILED: %s\n' "$*" >&2
  exit 1
}
# check WHAT COMMAND…: must succeed.
check() {
  local what=$1 output
  shift
  output=$("$@" 2>&1) || die "$what: $* said: $output"
  ok "$what"
}
refused() {
  local what=$1 output
  shift
  if output=$("$@" 2>&1); then die "$what: $* should have failed; it said: $output"; fi
  ok "$what"
}
# until_ok SECONDS COMMAND…: polls.
until_ok() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.2
  done
}
declared() { # declared IMAGE FORMAT EXPECTED
  local got
  got=$(docker image inspect --format "{{json $2}}" "$1")
  [ "$got" = "$3" ] || die "$1 declares $2 as $got instead of $3"
  ok "declares $2"
}
# saw CONTAINER TEXT: is it in its log? (grep -q would break docker's pipe.)
saw() { docker logs "$1" 2>&1 | grep -F -- "$2" >/dev/null; }
tag() { docker images --filter label=coasti.content --filter "reference=coasti-test/$1" --format '{{.Repository}}:{{.Tag}}' | grep -v ':rootfs$' | awk '{print length, $0}' | sort -rn | head -n 1 | cut -d' ' -f2; }

check_volume() {
  local image=coasti-test/volume:1
  declared $image .Config.Volumes '{"/var/lib/thing":{}}'
  docker run -d --name "$run-volume" $image >/dev/null
  SECONDS=0
  docker stop "$run-volume" >/dev/null
  [ "$SECONDS" -lt 5 ] || die "it took $SECONDS s to stop"
  [ "$(docker inspect --format '{{.State.ExitCode}}' "$run-volume")" = 0 ] || die "SIGTERM ended it with an error"
  ok "stops at SIGTERM"
}

check_postgres() {
  local image=$1 name=$run-pg
  declared "$image" .Config.Volumes '{"/var/lib/postgresql/data":{}}'
  declared "$image" .Config.StopSignal '"SIGINT"'
  declared "$image" .Config.ExposedPorts '{"5432/tcp":{}}'
  declared "$image" .Config.Entrypoint '["docker-entrypoint.sh"]'
  declared "$image" .Config.Cmd '["postgres"]'
  refused "no password, no start" docker run --rm "$image"
  docker volume create "$name" >/dev/null
  docker create --name "$name-a" -v "$name:/var/lib/postgresql/data" -e POSTGRES_USER=app -e POSTGRES_PASSWORD_FILE=/secret \
    -e POSTGRES_DB=things -e POSTGRES_INITDB_ARGS='--data-checksums --encoding=UTF8' "$image" >/dev/null
  printf 's3cret pass' >"$scratch/secret"
  chmod 644 "$scratch/secret"
  printf 'CREATE TABLE made (n int);\nINSERT INTO made VALUES (42);\n' >"$scratch/one.sql"
  printf '#!/bin/bash\nif pg_isready -q -h 127.0.0.1; then echo TCP-OPEN; else echo TCP-CLOSED; fi\npsql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "INSERT INTO made VALUES (43)"\n' >"$scratch/two.sh"
  chmod 755 "$scratch/two.sh"
  docker cp "$scratch/secret" "$name-a:/secret" >/dev/null
  docker cp "$scratch/one.sql" "$name-a:/docker-entrypoint-initdb.d/" >/dev/null
  docker cp "$scratch/two.sh" "$name-a:/docker-entrypoint-initdb.d/" >/dev/null
  docker start "$name-a" >/dev/null
  until_ok 60 docker exec "$name-a" pg_isready -h 127.0.0.1 -U app || die "not ready: $(docker logs "$name-a" 2>&1 | tail -n 5)"
  ok "first start"
  check "only a socket during initialisation" saw "$name-a" TCP-CLOSED
  check "says when it is initialised" saw "$name-a" 'PostgreSQL init process complete; ready for start up.'
  check "runs initdb.d, over TCP with the password" docker exec -e PGPASSWORD='s3cret pass' "$name-a" \
    sh -c '[ "$(psql -h "$(hostname -i)" -U app -d things -Atc "SELECT sum(n) FROM made")" = 85 ]'
  refused "a wrong password" docker exec -e PGPASSWORD=wrong "$name-a" sh -c 'psql -h "$(hostname -i)" -U app -d things -c "SELECT 1"'
  [ "$(docker exec "$name-a" stat -c %u /proc/1)" = 999 ] || die "the server does not run as 999"
  ok "runs as user 999"
  docker rm -f "$name-a" >/dev/null
  docker run -d --name "$name-b" -v "$name:/var/lib/postgresql/data" -e POSTGRES_PASSWORD=other "$image" >/dev/null
  until_ok 60 docker exec "$name-b" pg_isready -h 127.0.0.1 || die "not ready again"
  check "keeps its data" docker exec -e PGPASSWORD='s3cret pass' "$name-b" sh -c 'psql -h "$(hostname -i)" -U app -d things -Atc "SELECT n FROM made" | grep -q 42'
  refused "an initialised folder ignores a new password" docker exec -e PGPASSWORD=other "$name-b" sh -c 'psql -h "$(hostname -i)" -U app -d things -c "SELECT 1"'
  SECONDS=0
  docker stop "$name-b" >/dev/null
  [ "$SECONDS" -lt 8 ] || die "it took $SECONDS s to stop"
  [ "$(docker inspect --format '{{.State.ExitCode}}' "$name-b")" = 0 ] || die "SIGINT ended it with an error"
  ok "stops in order"
}

check_mariadb() {
  local image=$1 name=$run-my
  declared "$image" .Config.Volumes '{"/var/lib/mysql":{}}'
  declared "$image" .Config.ExposedPorts '{"3306/tcp":{}}'
  declared "$image" .Config.Entrypoint '["docker-entrypoint.sh"]'
  declared "$image" .Config.Cmd '["mariadbd"]'
  refused "no password, no start" docker run --rm "$image"
  docker volume create "$name" >/dev/null
  docker create --name "$name-a" -v "$name:/var/lib/mysql" -e MARIADB_ROOT_PASSWORD="r'oot\\" -e MARIADB_DATABASE=my_app \
    -e MYSQL_USER=app -e MYSQL_PASSWORD_FILE=/secret "$image" >/dev/null
  printf 's3cret pass' >"$scratch/secret"
  chmod 644 "$scratch/secret"
  printf 'CREATE TABLE made (n int);\nINSERT INTO made VALUES (42);\n' >"$scratch/one.sql"
  printf 'if healthcheck.sh --connect; then echo TCP-OPEN; else echo TCP-CLOSED; fi\n' >"$scratch/two.sh"
  chmod 644 "$scratch/two.sh"
  docker cp "$scratch/secret" "$name-a:/secret" >/dev/null
  docker cp "$scratch/one.sql" "$name-a:/docker-entrypoint-initdb.d/" >/dev/null
  docker cp "$scratch/two.sh" "$name-a:/docker-entrypoint-initdb.d/" >/dev/null
  docker start "$name-a" >/dev/null
  until_ok 90 docker exec "$name-a" healthcheck.sh --connect --innodb_initialized || die "not ready: $(docker logs "$name-a" 2>&1 | tail -n 5)"
  ok "first start"
  check "only a socket during initialisation" saw "$name-a" TCP-CLOSED
  check "says when it is initialised" saw "$name-a" 'MariaDB init process done. Ready for start up.'
  check "the user has its database" docker exec "$name-a" \
    sh -c '[ "$(mariadb -h "$(hostname -i)" -uapp "-ps3cret pass" my_app -Ne "SELECT n FROM made")" = 42 ]'
  refused "a wrong password" docker exec "$name-a" sh -c 'mariadb -h "$(hostname -i)" -uapp -pwrong my_app -e "SELECT 1"'
  refused "no database but its own" docker exec "$name-a" sh -c 'mariadb -h "$(hostname -i)" -uapp "-ps3cret pass" mysql -e "SELECT 1"'
  check "root from elsewhere" docker exec -e MYSQL_PWD="r'oot\\" "$name-a" sh -c 'mariadb -h "$(hostname -i)" -uroot -e "SELECT 1"'
  check "time zones are loaded" docker exec -e MYSQL_PWD="r'oot\\" "$name-a" sh -c 'mariadb -uroot -Ne "SELECT CONVERT_TZ(NOW(), \"UTC\", \"Europe/Berlin\")" | grep -v NULL'
  [ "$(docker exec "$name-a" stat -c %u /proc/1)" = 999 ] || die "the server does not run as 999"
  ok "runs as user 999"
  docker rm -f "$name-a" >/dev/null
  docker run -d --name "$name-b" -v "$name:/var/lib/mysql" -e MARIADB_ROOT_PASSWORD=other "$image" >/dev/null
  until_ok 90 docker exec "$name-b" healthcheck.sh --connect --innodb_initialized || die "not ready again: $(docker logs "$name-b" 2>&1 | tail -n 5)"
  check "keeps its data" docker exec "$name-b" sh -c 'mariadb -h "$(hostname -i)" -uapp "-ps3cret pass" my_app -Ne "SELECT n FROM made" | grep -q 42'
  refused "an initialised folder ignores a new password" docker exec "$name-b" sh -c 'mariadb -h "$(hostname -i)" -uroot -pother -e "SELECT 1"'
  SECONDS=0
  docker stop "$name-b" >/dev/null
  [ "$SECONDS" -lt 8 ] || die "it took $SECONDS s to stop"
  [ "$(docker inspect --format '{{.State.ExitCode}}' "$name-b")" = 0 ] || die "SIGTERM ended it with an error"
  ok "stops in order"
}

check_redis() {
  local image=$1 name=$run-redis
  declared "$image" .Config.Volumes '{"/data":{}}'
  declared "$image" .Config.ExposedPorts '{"6379/tcp":{}}'
  declared "$image" .Config.WorkingDir '"/data"'
  docker volume create "$name" >/dev/null
  docker network create "$name" >/dev/null
  docker run -d --name "$name-a" --network "$name" -v "$name:/data" "$image" >/dev/null
  until_ok 20 docker run --rm --network "$name" "$image" redis-cli -h "$name-a" ping || die "no answer from another container"
  ok "answers other containers"
  docker exec "$name-a" redis-cli set key value >/dev/null
  [ "$(docker exec "$name-a" stat -c %u /proc/1)" = 999 ] || die "the server does not run as 999"
  ok "runs as user 999"
  docker stop "$name-a" >/dev/null
  docker run -d --name "$name-b" -v "$name:/data" "$image" redis-server --requirepass secret --appendonly no >/dev/null
  until_ok 20 docker exec "$name-b" redis-cli -a secret ping || die "not ready again"
  [ "$(docker exec "$name-b" redis-cli -a secret get key 2>/dev/null)" = value ] || die "it lost its data"
  ok "keeps its data"
  [ "$(docker exec "$name-b" redis-cli -a wrong get key 2>/dev/null)" != value ] || die "a wrong password was taken"
  ok "a wrong password"
}

check_wordpress() {
  local image=$1 name=$run-wp database port=
  database=$(tag mariadb)
  declared "$image" .Config.Volumes '{"/var/www/html":{}}'
  declared "$image" .Config.StopSignal '"SIGWINCH"'
  declared "$image" .Config.ExposedPorts '{"80/tcp":{}}'
  declared "$image" .Config.WorkingDir '"/var/www/html"'
  docker network create "$name" >/dev/null
  docker volume create "$name" >/dev/null
  docker run -d --name "$name-db" --network "$name" -e MARIADB_RANDOM_ROOT_PASSWORD=1 -e MARIADB_DATABASE=wp -e MARIADB_USER=wp \
    -e MARIADB_PASSWORD=secret "$database" >/dev/null
  # The same port again: WordPress keeps its own address, and sends people there.
  start() {
    docker run -d --name "$name-$1" --network "$name" -v "$name:/var/www/html" -p "127.0.0.1:${port:-}:80" -e "WORDPRESS_DB_HOST=$name-db" \
      -e WORDPRESS_DB_USER=wp -e "WORDPRESS_DB_PASSWORD=$2" -e WORDPRESS_DB_NAME=wp -e WORDPRESS_TABLE_PREFIX=t_ \
      -e "WORDPRESS_CONFIG_EXTRA=define('WP_MEMORY_LIMIT', '77M');" "$image" >/dev/null
    port=$(docker port "$name-$1" 80/tcp | sed 's/.*://')
  }
  status() { [ "$(curl -s -o "$scratch/page" -w '%{http_code}' --max-time 10 "http://127.0.0.1:$port$1")" = "$2" ]; }
  start a secret
  until_ok 90 status '/wp-admin/install.php' 200 || die "no installation page: $(docker logs "$name-a" 2>&1 | tail -n 5)"
  check "the installation page" grep -q 'WordPress' "$scratch/page"
  check "is healthy by the quickstart's check" docker exec "$name-a" \
    php -r 'exit(@file_get_contents("http://127.0.0.1/wp-admin/install.php?step=1") === false ? 1 : 0);'
  check "installs over HTTP" curl -sf --max-time 60 -o "$scratch/page" "http://127.0.0.1:$port/wp-admin/install.php?step=2" \
    --data-urlencode weblog_title='Stand-in' --data-urlencode user_name=admin --data-urlencode admin_password=adm1n \
    --data-urlencode admin_password2=adm1n --data-urlencode pw_weak=on --data-urlencode admin_email=admin@example.org \
    --data-urlencode blog_public=0 --data-urlencode Submit=Install
  status / 200 || die "the front page does not answer"
  check "shows the title" grep -q '<title>Stand-in' "$scratch/page"
  check "tables with the prefix" docker exec "$name-db" sh -c 'mariadb -uwp -psecret wp -Ne "SHOW TABLES" | grep -q t_posts'
  check "takes WORDPRESS_CONFIG_EXTRA" docker exec "$name-a" sh -c "echo '<?php require \"/var/www/html/wp-load.php\"; exit(WP_MEMORY_LIMIT === \"77M\" ? 0 : 1);' | php"
  SECONDS=0
  docker stop "$name-a" >/dev/null
  [ "$SECONDS" -lt 8 ] || die "it took $SECONDS s to stop"
  ok "stops at SIGWINCH"
  start b secret
  until_ok 60 status / 200 || die "the front page does not answer after a restart"
  check "keeps the site" grep -q '<title>Stand-in' "$scratch/page"
  docker rm -f "$name-b" >/dev/null
  start c wrong
  until_ok 60 status / 500 || die "a wrong password should make an error of 500"
  ok "a wrong password"
}

scratch=$(mktemp -d)
trap 'clean; rm -rf "$scratch"' EXIT
for name in "$@"; do
  image=$(tag "$name")
  [ -n "$image" ] || die "$name is not built: tests/support/images.sh $name"
  printf '%s\n' "$image"
  "check_$name" "$image"
done
printf '%s checks of the images passed\n' "$passed"
