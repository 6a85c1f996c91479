#!/usr/bin/env bash
# Starts WordPress by the contract of the official image: an empty
# /var/www/html gets a copy of it, and a wp-config.php that reads WORDPRESS_*
# from the environment each time.
set -Eeuo pipefail

if [[ "$1" == apache2* ]] || [ "$1" = php-fpm ]; then
  user=$(id -u) group=$(id -g)
  if [ "$user" = 0 ]; then user=www-data group=www-data; fi

  if [ ! -e index.php ] && [ ! -e wp-includes/version.php ]; then
    # The folder itself is the user's who runs it, where root may say so.
    if [ "$(id -u)" = 0 ] && [ "$(stat -c %u:%g .)" = 0:0 ]; then chown "$user:$group" .; fi
    echo >&2 "WordPress not found in $PWD - copying now..."
    # What is there already (a plugin that is mounted, say) stays.
    excludes=()
    for item in /usr/src/wordpress/wp-content/*/*/; do
      item=${item#/usr/src/wordpress/}
      [ ! -e "$PWD/$item" ] || excludes+=("--exclude=./${item%/}")
    done
    # Somebody else's folder must keep its mode, as it cannot be set.
    keep=()
    [ "$user" = www-data ] || keep+=(--no-overwrite-dir)
    tar --create --file - --directory /usr/src/wordpress --owner "$user" --group "$group" "${excludes[@]}" . |
      tar --extract --file - "${keep[@]}"
    echo >&2 "Complete! WordPress has been successfully copied to $PWD"
  fi

  if [ ! -s wp-config.php ]; then
    for variable in "${!WORDPRESS_@}"; do
      echo >&2 "No 'wp-config.php' found in $PWD, but 'WORDPRESS_...' variables supplied; copying 'wp-config-docker.php' ($variable)"
      # Each site gets keys of its own for what it signs.
      awk '
        /put your unique phrase here/ {
          command = "head -c1m /dev/urandom | sha1sum | cut -d\\  -f1"
          command | getline text
          close(command)
          sub("put your unique phrase here", text)
        }
        {print}
      ' /usr/src/wordpress/wp-config-docker.php >wp-config.php
      [ "$(id -u)" != 0 ] || chown "$user:$group" wp-config.php
      break
    done
  fi
fi

exec "$@"
