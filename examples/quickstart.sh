#!/usr/bin/env bash
# Two WordPress sites, each with a MariaDB of its own, from nothing to running:
# what coasti does when you start, change and break a stack.
#
#   examples/quickstart.sh [--yes]
#   examples/quickstart.sh --clean [--yes]
#
#   --clean  removes what the quickstart made, data included, and nothing else
#   --yes    asks nothing (so does CI=true)
#
# It uses the Docker engine that Docker's own client would use; where there is
# none it asks before it installs and starts one. Images come from the registry,
# or, where none answers, are built here from the distribution's packages. The
# stack's files go to $COASTI_QUICKSTART_DIR, ~/coasti-quickstart by default.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
. "$root/tests/support/engine.sh"
. "$root/tests/support/rust.sh"
dir=${COASTI_QUICKSTART_DIR:-$HOME/coasti-quickstart}
case "$dir" in /*) ;; *) dir=$PWD/$dir ;; esac
# What this script made or fetched, one a line, for --clean.
made=$dir/.quickstart
broken=coasti-quickstart/wordpress:broken

clean=''
for argument in "$@"; do
  case "$argument" in
    -y | --yes) export ENGINE_YES=1 ;;
    --clean) clean=1 ;;
    -h | --help)
      sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//p}' "$0"
      exit 0
      ;;
    *) echo "quickstart: unknown argument $argument (see --help)" >&2 && exit 64 ;;
  esac
done

bold='' dim='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'; fi
step=0
heading() {
  step=$((step + 1))
  printf '\n%s%d. %s%s\n' "$bold" "$step" "$*" "$plain"
}
note() { printf '%s\n' "$*"; }
fail() {
  printf 'quickstart: %s\n' "$1" >&2
  shift
  [ $# -eq 0 ] || printf '  %s\n' "$@" >&2
  exit 1
}
# run COMMAND…: shows it as one would type it, then does it.
run() {
  printf '\n%s$ %s%s\n' "$dim" "$*" "$plain"
  "$@"
}
remember() { grep -qxF -- "$*" "$made" 2>/dev/null || printf '%s\n' "$*" >>"$made"; }
remembered() { sed -n "s/^$1 //p" "$made" 2>/dev/null; }

present() { docker image inspect "$1" >/dev/null 2>&1; }

# --- Cleaning up ------------------------------------------------------------

stack_id() { [ ! -e "$dir/config/deploy.yml" ] || sed -n 's/^id: *"\{0,1\}\([A-Za-z0-9-]*\).*/\1/p' "$dir/config/deploy.yml" | head -n 1; }

# mine KIND: what this very stack has on the engine. By its labels with the id
# from its files, and by a name as coasti gives it: a copy that somebody made of
# a container bears the same labels.
mine() {
  local list
  case "$1" in
    container) list=(docker ps -a --format '{{.ID}} {{.Names}}') ;;
    network) list=(docker network ls --format '{{.ID}} {{.Name}}') ;;
    volume) list=(docker volume ls --format '{{.Name}} {{.Name}}') ;;
  esac
  "${list[@]}" --filter label=coasti.stack=quickstart --filter "label=coasti.id=$id" |
    awk '$2 ~ /^(quickstart($|-)|coasti\.quickstart\.)/ {print $1}'
}

if [ -n "$clean" ]; then
  if [ ! -e "$made" ]; then
    note "Nothing to clean: $dir is not a folder of the quickstart's."
    exit 0
  fi
  engine_ensure || exit 1
  id=$(stack_id)
  if [ -n "$id" ]; then
    containers=$(mine container) networks=$(mine network) volumes=$(mine volume)
  else
    # Never applied, so nothing is on the engine.
    containers='' networks='' volumes=''
  fi
  engine_ask "Remove the quickstart: $(wc -w <<<"$containers") containers, $(wc -w <<<"$networks") networks, $(wc -w <<<"$volumes") volumes with their data, and $dir?" || exit 1
  for item in $containers; do docker rm -f "$item" >/dev/null; done
  for item in $networks; do docker network rm "$item" >/dev/null; done
  for item in $volumes; do docker volume rm "$item" >/dev/null; done
  for image in $(remembered image); do
    docker rmi "$image" >/dev/null 2>&1 || ! present "$image" || note "kept the image $image: something else uses it"
  done
  # What coasti itself tags, so that a rollback finds the images of old revisions.
  if [ -n "$id" ]; then
    docker images --filter reference=coasti.keep/quickstart --format '{{.Repository}}:{{.Tag}}' | xargs -r docker rmi >/dev/null
  fi
  mapfile -t standins < <(remembered standin)
  [ "${#standins[@]}" = 0 ] || "$root/tests/support/images.sh" --clean "${standins[@]}"
  rm -rf "$dir"
  note "Removed. Docker itself stays, and so does $root/target (cargo clean removes that)."
  exit 0
fi

# --- The engine, coasti, the images -----------------------------------------

started=$SECONDS
rust_ensure "$root" || exit 1
command -v curl >/dev/null 2>&1 || fail "this looks at the sites with curl, which is missing. Run:" "sudo apt-get install curl"
if [ -e "$dir" ] && [ ! -e "$made" ] && [ -n "$(ls -A "$dir")" ]; then
  fail "$dir exists and is not the quickstart's. Choose another folder:" "COASTI_QUICKSTART_DIR=… $0"
fi

heading "A Docker engine"
engine_ensure 2>&1 || exit 1
mkdir -p "$dir"
touch "$made"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

heading "coasti and the images"
official_wordpress=docker.io/library/wordpress:6.1
official_mariadb=docker.io/library/mariadb:10.11

# pull IMAGE: with two limits. A registry that does not answer is given up on
# soon; one that has begun to send may take its time.
pull() {
  local image=$1 log=$scratch/pull-${1##*/} pid end=$((SECONDS + 15))
  present "$image" && return
  docker pull "$image" >"$log" 2>&1 &
  pid=$!
  # This line comes once the registry has answered.
  until grep -q 'Pulling from' "$log"; do
    kill -0 "$pid" 2>/dev/null || break
    if [ "$SECONDS" -ge "$end" ]; then
      kill "$pid"
      break
    fi
    sleep 0.2
  done
  end=$((SECONDS + 300))
  while kill -0 "$pid" 2>/dev/null && [ "$SECONDS" -lt "$end" ]; do sleep 0.5; done
  kill "$pid" 2>/dev/null || true
  # Its own words and status, not the shell's remark on a killed job.
  { wait "$pid"; } 2>/dev/null && present "$image" && remember image "$image"
}

standin() { # standin NAME: the full version of its tags
  docker images --filter label=coasti.content --filter "reference=coasti-test/$1" --format '{{.Repository}}:{{.Tag}}' |
    grep -v ':rootfs$' | awk '{print length, $0}' | sort -rn | head -n 1 | cut -d' ' -f2
}

# The same images as last time, so that a second run replaces nothing by them.
kind=$(remembered images)
if [ -z "$kind" ]; then
  note "Asking the registry for wordpress:6.1 and mariadb:10.11 …"
  pull "$official_wordpress" &
  first=$!
  if pull "$official_mariadb" && wait "$first"; then
    kind=official
  else
    wait "$first" || true
    kind=standins
    note "No registry answers. Stand-ins are built from this machine's packages: the real WordPress"
    note "and MariaDB, with the settings, paths and first start of the official images."
    "$root/tests/support/images.sh" --prepare || exit 1
  fi
fi
if [ "$kind" = official ]; then
  if ! pull "$official_wordpress" || ! pull "$official_mariadb"; then
    fail "the registry does not answer any more, and the images are gone." "Start anew without them: $root/examples/quickstart.sh --clean, then without --clean."
  fi
  build_images() { :; }
else
  # The ones that another run (the tests, say) has built stay with --clean.
  for name in wordpress mariadb; do [ -n "$(standin $name)" ] || remember standin $name; done
  build_images() { "$root/tests/support/images.sh" wordpress mariadb >/dev/null; }
fi
remember images "$kind"

# Beside the build, as one waits for packages while the other computes.
build_images >"$scratch/images.log" 2>&1 &
images_job=$!
cd "$root"
run cargo build --release --locked
if ! wait "$images_job"; then
  cat "$scratch/images.log" >&2
  fail "the images could not be built."
fi
grep -E 'built in' "$scratch/images.log" || true
target=$(cargo metadata --no-deps --format-version 1 --locked --offline 2>/dev/null | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
binary=${target:-$root/target}/release/coasti
# So that what is shown is what one types.
coasti() { "$binary" "$@"; }

if [ "$kind" = official ]; then
  wordpress=$official_wordpress mariadb_image='' mariadb_range='>=10.11,<10.12'
  note "The images are the official ones."
else
  wordpress=$(standin wordpress)
  mariadb=$(standin mariadb)
  version=${mariadb##*:}
  series=${version%.*}
  # The stand-in's version is the distribution's.
  mariadb_range=">=$series,<${series%%.*}.$((${series#*.} + 1))"
  mariadb_image=", base-image: \"$mariadb\""
  note "The images are stand-ins: $wordpress and $mariadb."
fi

# --- The stack's files ------------------------------------------------------

heading "A stack is a folder of files"
mkdir -p "$dir/config" "$dir/products/wordpress"
write_product() { # write_product IMAGE
  cat >"$dir/products/wordpress/info.yml" <<EOY
version: 1
id: wordpress
name: WordPress
app:
  metadata: {id: wordpress, version: "6.1", title: WordPress, author: WordPress contributors}
  image: $1
  env:
    WORDPRESS_DB_HOST: {from: database, key: hostname}
    WORDPRESS_DB_USER: {from: database, key: MARIADB_USER}
    WORDPRESS_DB_PASSWORD: {from: database, key: MARIADB_PASSWORD}
    WORDPRESS_DB_NAME: {from: database, key: MARIADB_DATABASE}
  port: {web: {container: 80}}
  volume: [{name: html, target: /var/www/html}]
  healthcheck:
    command: [php, -r, 'exit((int) !@file_get_contents("http://127.0.0.1/wp-admin/install.php?step=1"));']
    interval: 2
    timeout: 5
    retries: 10
    start-period: 60
  provider:
    - {name: database, module-name: mariadb, module-version: "$mariadb_range"$mariadb_image}
EOY
}
write_deploy() { # write_deploy GREETING
  # The id that the first apply wrote in stays: it says which stack this is.
  local id
  id=$(stack_id)
  {
    printf 'version: 1\nstack: quickstart\n'
    [ -z "$id" ] || printf 'id: %s\n' "$id"
    cat <<EOY
ports: {from: 8100, to: 8999}
site:
  - label: blog
    image: wordpress
    domain: blog.localhost
    env:
      WORDPRESS_CONFIG_EXTRA: "header('X-Greeting: $1');"
  - label: shop
    image: wordpress
    domain: shop.localhost
EOY
  } >"$dir/config/deploy.yml.new"
  mv "$dir/config/deploy.yml.new" "$dir/config/deploy.yml"
}
cat >"$dir/config/products.yml" <<'EOY'
version: 1
products:
  - id: wordpress
    dst_path: products/wordpress
EOY
write_product "$wordpress"
write_deploy hello

cd "$dir"
note "It is $dir:"
note "  config/products.yml            which products there are"
note "  products/wordpress/info.yml    how WordPress runs, and that it needs a MariaDB"
note "  config/deploy.yml              the two sites, blog and shop"
run cat config/deploy.yml

# --- Plan and apply ---------------------------------------------------------

heading "What would happen"
run coasti plan

heading "Do it"
# coasti keeps its records in a volume, through a container of an empty image.
present coasti.empty:1 || remember image coasti.empty:1
run coasti apply --yes

# The engine of another machine publishes its ports there.
local_engine=''
case "$DOCKER_HOST" in unix://*) local_engine=1 ;; esac
address() { docker port "quickstart-$1" 80/tcp | head -n 1; }
container() { docker inspect --format '{{printf "%.12s" .Id}}' "quickstart-$1"; }
admin=$dir/admin-password

# A site that was never installed shows WordPress's form; fill it in.
install_site() { # install_site LABEL TITLE
  local url
  url=http://$(address "$1")
  curl -s -o /dev/null -w '%{redirect_url}' --max-time 30 "$url/" | grep -q install.php || return 0
  if [ ! -s "$admin" ]; then
    (umask 077 && head -c 12 /dev/urandom | base64 | tr '+/' 'xy' >"$admin")
  fi
  # Its form wants the password twice. They go in on stdin: arguments are
  # for everybody to see.
  curl -sf -o /dev/null --max-time 60 --data @- "$url/wp-admin/install.php?step=2" <<EOF_FORM ||
weblog_title=$2&user_name=admin&admin_password=$(<"$admin")&admin_password2=$(<"$admin")&pw_weak=on&admin_email=admin@example.org&blog_public=0&Submit=Install
EOF_FORM
    fail "WordPress could not be installed at $url"
}
look() { # look LABEL
  local url
  url=http://$(address "$1")
  printf '\n%s$ curl -i %s/%s\n' "$dim" "$url" "$plain"
  curl -s -i --max-time 30 "$url/" >"$scratch/page" || fail "$url does not answer"
  sed -n '1p; /^X-Greeting/p' "$scratch/page" | tr -d '\r'
  grep -o -m 1 '<title>.*</title>' "$scratch/page" || true
}

if [ -n "$local_engine" ]; then
  heading "The sites"
  install_site blog 'The+blog'
  install_site shop 'The+shop'
  look blog
  look shop
else
  note "The engine is on another machine, and the sites listen on its 127.0.0.1:"
  note "blog on $(address blog), shop on $(address shop)."
  look() { :; }
fi

heading "Change one variable"
write_deploy 'hello again'
note "blog's greeting in config/deploy.yml is another one now."
before=$(container shop)
run coasti plan
run coasti apply --yes
look blog
[ "$(container shop)" = "$before" ] || fail "shop should not have been touched, but it was replaced."
note "shop is the container that it was: $before."

heading "Break it on purpose"
# An image like the real one, except that its program ends at once.
docker image inspect "$broken" >/dev/null 2>&1 || {
  id=$(docker create "$wordpress")
  docker commit --change 'ENTRYPOINT ["php", "-r", "fwrite(STDERR, \"This release does not start.\\n\"); exit(1);"]' "$id" "$broken" >/dev/null
  docker rm -v "$id" >/dev/null
}
remember image "$broken"
write_product "$broken"
note "products/wordpress/info.yml names an image now whose program ends at once."
blog=$(container blog) shop=$(container shop)
code=0
run coasti apply --yes || code=$?
note ""
[ "$code" = 7 ] || fail "coasti apply should have ended with 7 (failed and undone), but it ended with $code."
note "Exit code 7: it failed, and all was undone."
if [ "$(container blog)" != "$blog" ] || [ "$(container shop)" != "$shop" ]; then
  fail "the containers are not the ones that ran before."
fi
note "blog and shop are the containers that they were ($blog and $shop):"
look blog
look shop

write_product "$wordpress"
heading "How it stands, with the file mended"
run coasti plan
run coasti status

note ""
note "${bold}Done in $((SECONDS - started)) s.${plain} How to go on:"
note "  cd $dir"
note "  export PATH=$(dirname "$binary"):\$PATH"
if [ -n "$local_engine" ]; then
  note "  open http://$(address blog)/wp-admin/ (user admin, password in $admin)"
fi
note "  edit config/deploy.yml, then: coasti plan, coasti apply"
note "  coasti history, coasti rollback, coasti logs blog, coasti --help"
note "  $root/examples/quickstart.sh --clean removes all of it"
