#!/bin/sh
# Starts Redis by the contract of the official image: as user redis, in /data,
# reachable from other containers.
set -e

case "$1" in -* | *.conf) set -- redis-server "$@" ;; esac

if [ "$1" = redis-server ] && [ "$(id -u)" = 0 ]; then
  find . \! -user redis -exec chown redis '{}' +
  exec gosu redis "$0" "$@"
fi

um=$(umask)
[ "$um" != 0022 ] || umask 0077

if [ "$1" = redis-server ]; then
  # The official server is built with protected mode off, as a container's
  # network is its protection; a setting of the user's own goes first.
  case "$*" in
    *protected-mode*) ;;
    *)
      if [ ! -f "$2" ] || ! grep -q '^[[:space:]]*protected-mode' "$2"; then
        set -- "$@" --protected-mode no
      fi
      ;;
  esac
fi
exec "$@"
