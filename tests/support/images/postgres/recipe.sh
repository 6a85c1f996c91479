# shellcheck shell=bash disable=SC2034,SC2154 # read by images.sh
# PostgreSQL of the distribution's own major version, laid out as the official
# image is: user postgres with id 999, servers listening on every address.
packages=(postgresql gosu)
version_command=(sh -c '/usr/lib/postgresql/*/bin/postgres --version')
# shellcheck disable=SC2016 # hooks expand them, in a shell of mmdebstrap's
options=(
  # A third of the download is a compiler for queries; without it they are interpreted.
  --dpkgopt='path-exclude=/usr/lib/*/libLLVM*'
  --dpkgopt='path-exclude=/usr/lib/llvm-*'
  --dpkgopt='path-exclude=/usr/lib/postgresql/*/lib/llvmjit*'
  --dpkgopt='path-exclude=/usr/lib/postgresql/*/lib/bitcode/*'
  # Before the package makes the user with whatever id is free.
  --essential-hook='echo "postgres:x:999:" >>"$1/etc/group"'
  --essential-hook='echo "postgres:x:999:999::/var/lib/postgresql:/bin/bash" >>"$1/etc/passwd"'
  --essential-hook='echo "postgres:!:19000::::::" >>"$1/etc/shadow"'
  # The package would initialise a cluster of its own.
  --essential-hook='mkdir -p "$1/etc/postgresql-common" && echo "create_main_cluster = false" >"$1/etc/postgresql-common/createcluster.conf"'
  # The official image speaks en_US, and initdb takes its order from there.
  --customize-hook='chroot "$1" localedef -i en_US -f UTF-8 en_US.UTF-8'
  --customize-hook='rm -rf "$1/usr/share/i18n"'
  --customize-hook='sed -i "s/^#\?listen_addresses.*/listen_addresses = '"'*'"'/" "$1"/usr/share/postgresql/*/postgresql.conf.sample'
  --customize-hook='mkdir -p "$1/docker-entrypoint-initdb.d" "$1/var/lib/postgresql/data" && chroot "$1" chown -R postgres:postgres /var/lib/postgresql && chmod 1777 "$1/var/lib/postgresql/data"'
  --customize-hook='mkdir -p "$1/run/postgresql" && chroot "$1" chown postgres:postgres /run/postgresql && chmod 3777 "$1/run/postgresql"'
)
