# shellcheck shell=bash disable=SC2034,SC2154 # read by images.sh
# Redis (or its successor of that name) of the distribution, with the user id of
# the official image.
packages=(redis-server gosu)
version_command=(redis-server --version)
# shellcheck disable=SC2016 # hooks expand them, in a shell of mmdebstrap's
options=(
  --essential-hook='echo "redis:x:1000:" >>"$1/etc/group"'
  --essential-hook='echo "redis:x:999:1000::/home/redis:/bin/sh" >>"$1/etc/passwd"'
  --essential-hook='echo "redis:!:19000::::::" >>"$1/etc/shadow"'
  --customize-hook='mkdir -p "$1/data" && chroot "$1" chown redis:redis /data'
)
