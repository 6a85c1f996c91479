# shellcheck shell=bash disable=SC2034,SC2154 # read by images.sh
# MariaDB of the distribution, with the user id of the official image. The core
# package has the server itself; what the full one adds is for clusters and init
# systems.
packages=(mariadb-server-core mariadb-client gosu tzdata pwgen)
version_command=(mariadbd --version)
# shellcheck disable=SC2016 # hooks expand them, in a shell of mmdebstrap's
options=(
  # The dependencies bring Perl for tools that no container uses.
  --dpkgopt='path-exclude=/usr/share/perl/*'
  --dpkgopt='path-exclude=/usr/lib/*/perl/*'
  --essential-hook='echo "mysql:x:999:" >>"$1/etc/group"'
  --essential-hook='echo "mysql:x:999:999::/nonexistent:/bin/false" >>"$1/etc/passwd"'
  --essential-hook='echo "mysql:!:19000::::::" >>"$1/etc/shadow"'
  --customize-hook='mkdir -p "$1/docker-entrypoint-initdb.d" "$1/var/lib/mysql" "$1/run/mysqld" "$1/etc/mysql/conf.d"'
  --customize-hook='chroot "$1" chown -R mysql:mysql /var/lib/mysql /run/mysqld && chmod 1777 "$1/run/mysqld"'
  # Listens everywhere, and takes a client by its address without asking a name server.
  --customize-hook='printf "[mariadbd]\nhost-cache-size=0\nskip-name-resolve\nbind-address=0.0.0.0\ndatadir=/var/lib/mysql\nsocket=/run/mysqld/mysqld.sock\npid-file=/run/mysqld/mysqld.pid\n" >"$1/etc/mysql/mariadb.conf.d/05-container.cnf"'
)
