#!/usr/bin/env bash
# Builds the stand-in images that the tests and the quickstart run.
#
#   tests/support/images.sh [--yes] [--force] [NAME…]
#   tests/support/images.sh --clean [NAME…]      removes what it has built
#   tests/support/images.sh --prepare            installs what a build needs, and
#                                                asks first; a build does that too
#
# NAME: tiny volume postgres mariadb redis wordpress (all of them by default),
# and bench, which tags tiny as busybox:bench for the benchmarks.
#
# No registry is needed: the servers are the distribution's own packages, from
# the apt sources of this machine, with an entrypoint that keeps the contract of
# the official image (variables, paths, ports, VOLUME, STOPSIGNAL, first
# start), so that one configuration runs with either. They are tagged
# coasti-test/NAME:VERSION, and each shorter VERSION too (15.20 and 15).
#
# WordPress makes its tables when its form is sent, so a script installs it with
# one POST to /wp-admin/install.php?step=2 (weblog_title, user_name,
# admin_password, admin_password2, pw_weak=on, admin_email, Submit): see
# images-check.sh.
#
# An image carries the hash of its recipe folder as the label coasti.content;
# one that is there with the same hash is not built again. The tags of the
# images asked for go to stdout, everything else to stderr.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
recipes=$here/images
# Sourced for engine_root and engine_ensure.
. "$here/engine.sh"

# The slow ones first, so that two cores stay busy to the end.
all=(tiny volume wordpress mariadb postgres redis)

say() { printf 'images: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

force='' clean='' prepare='' wanted=()
for argument in "$@"; do
  case "$argument" in
    -y | --yes) export ENGINE_YES=1 ;;
    --force) force=1 ;;
    --clean) clean=1 ;;
    --prepare) prepare=1 ;;
    -h | --help)
      sed -n '2,/^set -/{/^set -/d;s/^# \{0,1\}//p}' "$0"
      exit 0
      ;;
    -*) say "unknown option $argument (see --help)" && exit 64 ;;
    bench) wanted+=(bench) ;;
    *)
      [ -d "$recipes/$argument" ] || { say "no image named $argument; there are: ${all[*]} bench" && exit 64; }
      wanted+=("$argument")
      ;;
  esac
done
[ "${#wanted[@]}" -gt 0 ] || wanted=("${all[@]}")

wants() {
  local name
  for name in "${wanted[@]}"; do [ "$name" = "$1" ] && return 0; done
  return 1
}

# The tags that this script made of an image, and nobody else's of that name.
ours() { docker images --filter label=coasti.content --filter "reference=coasti-test/$1" --format '{{.Repository}}:{{.Tag}}'; }

# content FOLDER…: one hash of names, contents and executable bits.
content() {
  local folder
  for folder in "$@"; do
    (cd "$recipes/$folder" && find . -type f -printf '%P %m\n' | sort && find . -type f -print0 | sort -z | xargs -0 sha256sum)
  done | sha256sum | cut -d' ' -f1
}

# built NAME HASH: its tags, if it is there with this content.
built() {
  docker images --filter "label=coasti.content=$2" --filter "reference=coasti-test/$1" --format '{{.Repository}}:{{.Tag}}' |
    grep -v ':rootfs$' || true
}

# build ARGUMENTS…: the classic builder, as it needs no plugin and sees local images.
build() { DOCKER_BUILDKIT=0 docker build "$@" 2>&1; }

# The distribution's own archives among this machine's apt sources. Others (a
# vendor's, say) could bring newer versions and keys that a new root lacks.
apt_sources() {
  # shellcheck disable=SC2016 # apt-get's own placeholders
  apt-get indextargets 'Created-By: Packages' --format '$(ORIGIN) $(REPO_URI) $(RELEASE) $(COMPONENT)' |
    awk '($1 == "Debian" || $1 == "Ubuntu") && $3 !~ /backports|proposed/ && !seen[$0]++ {print "deb", $2, $3, $4}'
}

# What building from packages needs. Fetched before the parallel part.
prepare_packages() {
  command -v apt-get >/dev/null 2>&1 || fail "these images are built from Debian's or Ubuntu's packages; there is no apt-get here."
  if ! command -v mmdebstrap >/dev/null 2>&1; then
    engine_ask "Building images takes mmdebstrap. Install it with apt-get?" || exit 1
    engine_root apt-get -qq -o DPkg::Lock::Timeout=300 update >&2 || exit 1
    DEBIAN_FRONTEND=noninteractive engine_root apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
      install --no-install-recommends mmdebstrap >/dev/null || exit 1
  fi
  # Which archives they are is known once their lists are there.
  if [ -z "$(apt_sources)" ]; then
    say "apt-get update"
    engine_root apt-get -qq -o DPkg::Lock::Timeout=300 update >&2 || exit 1
  fi
  [ -z "$prepare" ] || return 0
  apt_sources >"$work/sources.list"
  [ -s "$work/sources.list" ] || fail "no archive of Debian or Ubuntu among this machine's apt sources."
  # Proxies and the like of this machine; removed from the image again.
  apt-config dump | grep -E '^Acquire::(http|https|ftp|Retries|Check-|ForceIPv)' >"$work/apt.conf" || true
}

# as_root COMMAND…: without root of one's own, in a container that sees this
# machine's programs, read-only, and little else. Whoever may use the engine may
# do that, while user namespaces are often switched off or not set up.
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
    return
  fi
  case "$DOCKER_HOST" in
    unix://*) ;;
    *) echo "without root, this builds on an engine of this machine only; DOCKER_HOST is $DOCKER_HOST" >&2 && return 1 ;;
  esac
  local folder mounts=()
  for folder in /usr /etc/apt /etc/alternatives /etc/ssl /etc/ca-certificates "$work"; do
    [ ! -d "$folder" ] || mounts+=(-v "$folder:$folder:ro")
  done
  for folder in bin sbin lib lib64; do
    [ ! -d "/usr/$folder" ] || mounts+=(-v "/usr/$folder:/$folder:ro")
  done
  # A new root has /proc and /sys mounted while packages are set up in it.
  docker run --rm --network host --cap-add SYS_ADMIN --security-opt apparmor=unconfined --security-opt seccomp=unconfined \
    "${mounts[@]}" -e PATH=/usr/sbin:/usr/bin:/sbin:/bin -e http_proxy -e https_proxy -e no_proxy coasti-test/tiny:1 "$@"
}

# packages_rootfs NAME: a root file system with `packages`, as a tar on stdout.
packages_rootfs() {
  local options=("${options[@]}") include
  [ ! -s "$work/apt.conf" ] || options+=("--aptopt=$work/apt.conf")
  include=$(IFS=, && echo "${packages[*]}")
  # With /bin linked to /usr/bin from the start, nothing installs Perl and a
  # third of a bootstrap's time goes on moving files there.
  local merged=/usr/share/mmdebstrap/hooks/maybe-merged-usr
  [ ! -d "$merged" ] || options+=("--hook-dir=$merged")
  # shellcheck disable=SC2016 # hooks expand them, in a shell of mmdebstrap's
  # Docs and translations are a third of the files, and nothing reads them.
  as_root mmdebstrap --quiet --variant=essential --include="$include" \
    --keyring=/etc/apt/trusted.gpg.d --keyring=/usr/share/keyrings \
    --aptopt='Apt::Install-Recommends "false"' \
    --dpkgopt=force-unsafe-io \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/lintian/*' \
    "${options[@]}" \
    --customize-hook='rm -rf "$1"/etc/apt/sources.list "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap "$1"/var/cache/* "$1"/var/log/*' \
    --customize-hook='rm -f "$1"/etc/hostname "$1"/etc/resolv.conf' \
    "$(. /etc/os-release && echo "$VERSION_CODENAME")" - "$work/sources.list"
}

# make NAME HASH: builds and tags one image. Runs in a subshell of its own.
make() {
  local name=$1 hash=$2 image=coasti-test/$1 version='' base root_hash tag rest
  local from='' packages=() options=() version_command=()
  # What a recipe may say; `rootfs` writes the file system as a tar to stdout.
  rootfs() { packages_rootfs; }
  # shellcheck source=/dev/null
  . "$recipes/$name/recipe.sh"
  # Imported without a tag first: a file system that broke off must not get one.
  import() { # import CONTENT TAG
    local id
    # Alone on its line: in a list, `set -e` would be off in `rootfs` too.
    id=$(set -e; rootfs | docker import --change "LABEL coasti.content=$1" -)
    docker tag "$id" "$2"
  }
  if [ ! -e "$recipes/$name/Dockerfile" ]; then
    import "$hash" "$image:$version"
  else
    if [ -n "$from" ]; then
      base=$from
    else
      # The file system is an image of its own: an edit of an entrypoint is then
      # a second's work, not a bootstrap.
      base=$image:rootfs
      root_hash=$(sha256sum "$recipes/$name/recipe.sh" | cut -d' ' -f1)
      if [ -n "$force" ] || [ -z "$(docker images -q --filter "label=coasti.content=rootfs-$root_hash" --filter "reference=$base")" ]; then
        import "rootfs-$root_hash" "$base"
      fi
    fi
    version=${version:-$(docker run --rm --network none --entrypoint '' "$base" "${version_command[@]}" | grep -oE '[0-9]+(\.[0-9]+)+' | head -n 1)}
    build --build-arg "BASE=$base" --build-arg "VERSION=$version" --build-arg "MAJOR=${version%%.*}" \
      --label "coasti.content=$hash" -t "$image:$version" "$recipes/$name"
  fi
  # Every shorter version too, as the official images are tagged.
  rest=$version
  while [ "$rest" != "${rest%.*}" ]; do
    rest=${rest%.*}
    docker tag "$image:$version" "$image:$rest"
  done
  # Tags of an older build would otherwise go on as if they were current.
  for tag in $(ours "$name"); do
    case "$tag" in
      "$image:rootfs" | "$image:$version") ;;
      *) case "$version" in "${tag##*:}".*) ;; *) docker rmi "$tag" >/dev/null || true ;; esac ;;
    esac
  done
}

if [ -n "$prepare" ]; then
  prepare_packages
  exit 0
fi

command -v docker >/dev/null 2>&1 && [ -n "${DOCKER_HOST:-}" ] && engine_answers "$DOCKER_HOST" || engine_ensure || exit 1

if [ -n "$clean" ]; then
  for name in "${wanted[@]}"; do
    if [ "$name" = bench ]; then
      tags=$(docker images --filter label=coasti.content --filter reference=busybox:bench --format '{{.Repository}}:{{.Tag}}')
    else
      tags=$(ours "$name")
    fi
    for tag in $tags; do
      docker rmi "$tag" >/dev/null && say "removed $tag"
    done
  done
  exit 0
fi

work=$(mktemp -d "${TMPDIR:-/tmp}/coasti-images.XXXXXX")
trap 'rm -rf "$work"' EXIT
# Two test runs at once build each image once: the second waits and finds it.
exec 9>"${TMPDIR:-/tmp}/coasti-images-$(id -u).lock"
flock -n 9 || { say "another build is under way, waiting for it …" && flock 9; }

declare -A hash
for name in "${all[@]}"; do hash[$name]=$(content "$name"); done
# These are made of tiny, so its content is theirs too.
hash[volume]=$(content tiny volume)

todo=()
for name in "${all[@]}"; do
  # The others are made of tiny, or with it.
  if wants "$name" || [ "$name" = tiny ]; then
    if { [ -n "$force" ] && wants "$name"; } || [ -z "$(built "$name" "${hash[$name]}")" ]; then todo+=("$name"); fi
  fi
done

one() { # one NAME: builds it, says how long it took, keeps the log of a failure
  local start=$SECONDS
  say "$1: building …"
  # A subshell under its own `set -e`, which an `if` around it would switch off.
  (set -euo pipefail && make "$1" "${hash[$1]}") >"$work/$1.log" 2>&1 9>&- &
  if wait $!; then
    say "$1: built in $((SECONDS - start)) s"
  else
    say "$1: failed. The end of its log:"
    tail -n 30 "$work/$1.log" | sed 's/^/    /' >&2
    : >"$work/$1.failed"
  fi
}

bootstrap=()
for name in "${todo[@]}"; do
  case "$name" in
    tiny | volume) one "$name" ;;
    *) bootstrap+=("$name") ;;
  esac
done
if [ "${#bootstrap[@]}" -gt 0 ]; then
  prepare_packages
  for name in "${bootstrap[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done
    one "$name" &
  done
  wait
fi
# What the new builds replaced and nothing uses: ours by its label, and untagged.
[ "${#todo[@]}" = 0 ] || docker image prune -f --filter label=coasti.content >/dev/null 2>&1 || true

failed=0
for name in "${wanted[@]}"; do
  if [ "$name" = bench ]; then
    docker tag coasti-test/tiny:1 busybox:bench
    echo busybox:bench
    continue
  fi
  [ ! -e "$work/$name.failed" ] || { failed=1 && continue; }
  built "$name" "${hash[$name]}"
done
[ "$failed" = 0 ] || fail "not every image could be built."
