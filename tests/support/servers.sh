#!/usr/bin/env bash
# Sourced: gives the function `servers_ensure`, which installs Debian's or
# Ubuntu's own ssh server for the tests that need one. None is started: each
# test starts its own, on a port of its own, and ends it.

# servers_ensure: asks before it installs anything, as engine_ask does. Without
# a server the tests that need one say that they are left out.
servers_ensure() {
  [ -x /usr/sbin/sshd ] || command -v sshd >/dev/null 2>&1 && return 0
  local why='the tests of ssh are left out'
  command -v apt-get >/dev/null 2>&1 || { echo "tests: no sshd here; $why" >&2; return 0; }
  engine_ask "no ssh server (sshd) found, which a few tests need. Install openssh-server with apt-get, stopped?" ||
    { echo "tests: no sshd here; $why" >&2; return 0; }
  servers_install || echo "tests: openssh-server was not installed; $why" >&2
}

# The package would start its service: Debian's own way to say no is this file.
servers_install() {
  local policy=/usr/sbin/policy-rc.d made='' status=0
  engine_root apt-get -qq -o DPkg::Lock::Timeout=300 update >&2 || return 1
  if [ ! -e $policy ]; then
    made=1
    # shellcheck disable=SC2016 # the shell that writes it is another one
    engine_root sh -c 'printf "#!/bin/sh\nexit 101\n" >"$0" && chmod 755 "$0"' $policy || return 1
  fi
  engine_root apt-get -qq -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 \
    install --no-install-recommends openssh-server >&2 || status=1
  [ -z "$made" ] || engine_root rm -f $policy
  return $status
}
