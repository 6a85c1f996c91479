#!/usr/bin/env bash
# Finds a Docker engine, or offers to install and start one.
#
#   tests/support/engine.sh [--yes]     prints the engine's address on stdout
#   . tests/support/engine.sh           gives the function `engine_ensure`, which
#                                       exports DOCKER_HOST for what comes next
#
# It looks where Docker's own client looks: DOCKER_HOST, then the current Docker
# context, then /var/run/docker.sock. Only where none of them names an engine
# does it install Debian's or Ubuntu's own docker.io. It asks before it installs
# or starts anything; --yes, or CI=true in the environment, answers yes.
#
# An engine that is named (DOCKER_HOST, or a context of yours) but does not
# answer is an error: starting another one beside it would hide the mistake.

# Everything for people goes to stderr: stdout is the address alone.
engine_say() { printf '%s\n' "engine: $*" >&2; }
engine_fail() {
  printf '%s\n' "engine: $1" >&2
  shift
  local line
  for line in "$@"; do printf '        %s\n' "$line" >&2; done
  return 1
}

engine_socket=/var/run/docker.sock

# engine_ask QUESTION: yes, unless a person at a terminal says no.
engine_ask() {
  local answer
  if [ -n "${ENGINE_YES:-}" ] || [ "${CI:-}" = true ]; then
    engine_say "$1 yes"
    return 0
  fi
  if [ ! -t 0 ]; then
    engine_fail "$1 Nobody to ask here: run it on a terminal, or with --yes."
    return 1
  fi
  printf 'engine: %s [y/N] ' "$1" >&2
  read -r answer || answer=
  case "$answer" in
    [yY] | [yY][eE][sS]) return 0 ;;
    *) engine_fail "nothing was changed." ;;
  esac
}

# Is there a way to be root?
engine_can_root() {
  [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null 2>&1 && { [ -t 0 ] || sudo -n true 2>/dev/null; }; }
}

# engine_root COMMAND…: as root, through sudo where that is needed and there.
engine_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif engine_can_root; then
    # sudo drops the environment; apt asks nothing when it has this variable.
    sudo env DEBIAN_FRONTEND=noninteractive "$@"
  else
    engine_fail "this needs root, and sudo is not to be had. As root, run:" "$*"
  fi
}

# The daemon and iptables live in sbin, which users often lack in their PATH.
engine_path() { printf '%s' "/usr/local/sbin:/usr/sbin:/sbin:$PATH"; }
engine_which() { PATH=$(engine_path) command -v "$1" 2>/dev/null; }

# engine_answers HOST: does an engine answer there within a few seconds?
engine_answers() {
  DOCKER_HOST=$1 timeout 10 docker version --format '{{.Server.Version}}' >/dev/null 2>&1
}

# engine_why HOST: the client's own words on why there is no answer.
engine_why() {
  DOCKER_HOST=$1 timeout 10 docker version --format '{{.Server.Version}}' 2>&1 >/dev/null | tail -n 1
}

# Which engine Docker's own client would talk to, and who says so.
engine_named() {
  engine_host='' engine_from=''
  if [ -n "${DOCKER_HOST:-}" ]; then
    engine_host=$DOCKER_HOST engine_from=DOCKER_HOST
    return
  fi
  command -v docker >/dev/null 2>&1 || return 0
  local name host tls
  # Without a name this is the current one, with every version of the client.
  name=$(docker context inspect --format '{{.Name}}' 2>/dev/null) || name=default
  host=$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null) || host=
  if [ "$name" != default ] && [ -n "$host" ]; then
    engine_host=$host engine_from="the Docker context $name"
    # A context keeps its own certificates; DOCKER_HOST alone would lose them.
    tls=$(docker context inspect --format '{{.Storage.TLSPath}}' 2>/dev/null) || tls=
    if [ -f "$tls/docker/cert.pem" ]; then
      export DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=$tls/docker
    fi
  fi
}

# Is the process of this pid file really the program, and alive? A killed one
# that nobody reaped is a zombie: its pid exists, and dockerd would believe it.
engine_alive() { # engine_alive PIDFILE PROGRAM
  local pid name state
  pid=$(cat "$1" 2>/dev/null) || return 1
  name=$(cat "/proc/$pid/comm" 2>/dev/null) || return 1
  state=$(sed 's/^.*) //; s/ .*//' "/proc/$pid/stat" 2>/dev/null) || return 1
  [ "$name" = "$2" ] && [ "$state" != Z ]
}

# A killed dockerd leaves its own pid file and its containerd's. Either one
# keeps the next dockerd from starting when the pid is a zombie or taken again.
engine_sweep() {
  local file
  for file in /var/run/docker.pid /var/run/docker/containerd/containerd.pid; do
    local program=containerd
    [ "$file" != /var/run/docker.pid ] || program=dockerd
    if [ -e "$file" ] && ! engine_alive "$file" "$program"; then engine_root rm -f "$file" || return 1; fi
  done
}

engine_install() {
  command -v apt-get >/dev/null 2>&1 ||
    { engine_fail "there is no Docker engine here, and no apt-get to install one with." \
      "Install Docker, start it, and run this again."; return 1; }
  if ! engine_can_root; then
    engine_need_root "there is no Docker engine here; installing one"
    return 1
  fi
  engine_ask "no Docker engine found. Install docker.io and iptables with apt-get?" || return 1
  export DEBIAN_FRONTEND=noninteractive
  engine_root apt-get -qq -o DPkg::Lock::Timeout=300 update >&2 || return 1
  local packages=(docker.io iptables)
  # Newer releases have the client in a package of its own.
  if ! command -v docker >/dev/null 2>&1 && apt-cache show docker-cli >/dev/null 2>&1; then
    packages+=(docker-cli)
  fi
  engine_say "installing ${packages[*]} …"
  engine_root apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
    install --no-install-recommends "${packages[@]}" >/dev/null || {
    engine_fail "apt-get could not install ${packages[*]}; its words are above."
    return 1
  }
}

# engine_wait SECONDS: until the engine answers on the usual socket.
engine_wait() {
  local end=$((SECONDS + $1))
  while [ "$SECONDS" -lt "$end" ]; do
    # As the group may not be ours yet, root's view is what counts here.
    if [ -S "$engine_socket" ]; then
      if [ ! -w "$engine_socket" ] || engine_answers "unix://$engine_socket"; then return 0; fi
    fi
    sleep 0.2
  done
  return 1
}

engine_start() {
  local log=/var/log/coasti-dockerd.log
  # One that is just coming up needs waiting for, not a second one.
  if engine_alive /var/run/docker.pid dockerd && engine_wait 20; then return 0; fi
  if [ -d /run/systemd/system ]; then
    engine_say "systemctl start docker"
    engine_root systemctl start docker || return 1
  else
    if [ -z "$(engine_which dockerd)" ]; then
      engine_fail "dockerd is not in $(engine_path)."
      return 1
    fi
    engine_sweep || return 1
    engine_say "starting dockerd in the background, its log is $log"
    # setsid and closed descriptors: it outlives this shell and holds no pipe
    # of a caller's open.
    # shellcheck disable=SC2016 # expanded by the inner shell
    engine_root env PATH="$(engine_path)" bash -c '
      for fd in /proc/self/fd/*; do
        fd=${fd##*/}
        [ "$fd" -gt 2 ] && eval "exec $fd>&-"
      done 2>/dev/null
      setsid dockerd >"$1" 2>&1 </dev/null &
    ' engine "$log" || return 1
  fi
  engine_wait 60 && return 0
  engine_fail "the engine did not answer within a minute. The end of $log:"
  engine_root tail -n 8 "$log" >&2 || true
  return 1
}

# The engine to use, started if need be. Exports DOCKER_HOST.
engine_ensure() {
  engine_named
  if [ -n "$engine_host" ]; then
    if ! command -v docker >/dev/null 2>&1; then
      engine_fail "$engine_from names $engine_host, but Docker's client is missing." \
        "Install it (docker-cli, or docker.io on older releases) and run this again."
      return 1
    fi
    if engine_answers "$engine_host"; then
      engine_say "using $engine_host, from $engine_from"
      export DOCKER_HOST=$engine_host
      return 0
    fi
    engine_fail "$engine_from names $engine_host, which does not answer:" \
      "$(engine_why "$engine_host")" \
      "Start it, or unset DOCKER_HOST (docker context use default) for the engine of this machine."
    return 1
  fi

  local host=unix://$engine_socket
  if command -v docker >/dev/null 2>&1 && engine_answers "$host"; then
    export DOCKER_HOST=$host
    engine_say "using $host"
    return 0
  fi
  # A socket that may not be written to belongs to a running engine: the group
  # is missing, and no second engine would change that.
  if [ -S "$engine_socket" ] && [ ! -w "$engine_socket" ]; then
    engine_no_access
    return 1
  fi
  if [ -z "$(engine_which dockerd)" ] || ! command -v docker >/dev/null 2>&1; then
    engine_install || return 1
  else
    if ! engine_alive /var/run/docker.pid dockerd; then
      if ! engine_can_root; then
        engine_need_root "Docker is installed but stopped; starting it"
        return 1
      fi
      engine_ask "Docker is installed but stopped. Start it?" || return 1
    fi
  fi
  # The package has started it already where an init system runs.
  if ! engine_answers "$host"; then engine_start || return 1; fi
  if [ ! -w "$engine_socket" ]; then
    engine_no_access
    return 1
  fi
  export DOCKER_HOST=$host
  engine_say "using $host"
}

# What a user without root and sudo can have done for them.
engine_need_root() {
  engine_fail "$1 takes root, and sudo is not to be had. As root, run:" \
    "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/engine.sh --yes" \
    "usermod -aG docker $(id -un)" \
    "Then log in again and run this again."
}

engine_no_access() {
  engine_fail "an engine listens on $engine_socket, but $(id -un) may not use it. Run:" \
    "sudo usermod -aG docker $(id -un)" \
    "and log in again (or run: newgrp docker), then run this again."
}

# Called, not sourced.
if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  set -euo pipefail
  for argument in "$@"; do
    case "$argument" in
      -y | --yes) ENGINE_YES=1 ;;
      -h | --help)
        sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
      *)
        engine_fail "unknown argument $argument (see --help)" || exit 64
        ;;
    esac
  done
  engine_ensure || exit 1
  printf '%s\n' "$DOCKER_HOST"
fi
