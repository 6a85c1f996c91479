# shellcheck shell=bash disable=SC2034,SC2154 # read by images.sh
# WordPress of the distribution under Apache and PHP, laid out as the official
# image is: its files in /usr/src/wordpress, the site in /var/www/html.
packages=(wordpress wordpress-theme-twentytwentythree apache2 libapache2-mod-php php-cli
  php-mysql php-gd php-xml php-mbstring php-curl php-zip php-bcmath)
# shellcheck disable=SC2016 # expanded by PHP
version_command=(php -r 'require "/usr/src/wordpress/wp-includes/version.php"; echo $wp_version;')
# shellcheck disable=SC2016 # hooks expand them, in a shell of mmdebstrap's
options=(
  # A client of the database that the package names and the site never runs.
  --dpkgopt='path-exclude=/usr/bin/mariadb*'
  --dpkgopt='path-exclude=/usr/share/fonts/*'
  # The package's files are links into other packages; the site is copied as a whole.
  --customize-hook='chroot "$1" cp -aL /usr/share/wordpress /usr/src/wordpress'
  --customize-hook='rm -rf "$1"/usr/share/wordpress "$1"/usr/share/javascript "$1"/usr/src/wordpress/wp-config.php "$1"/usr/src/wordpress/.htaccess'
  --customize-hook='chroot "$1" chown -R www-data:www-data /usr/src/wordpress'
  # What the official image switches on, and its site without the package's page.
  --customize-hook='chroot "$1" a2enmod -q rewrite expires remoteip'
  --customize-hook='rm -rf "$1"/var/www/html && mkdir -m 1777 "$1"/var/www/html && chroot "$1" chown www-data:www-data /var/www/html'
  --customize-hook='printf "ServerName localhost\n<Directory /var/www/>\n\tOptions -Indexes\n\tAllowOverride All\n</Directory>\nDirectoryIndex disabled\nDirectoryIndex index.php index.html\n" >"$1/etc/apache2/conf-enabled/docker.conf"'
  # Logs go where Docker reads them.
  --customize-hook='for log in access error other_vhosts_access; do ln -sf /dev/std$([ $log = error ] && echo err || echo out) "$1/var/log/apache2/$log.log"; done'
)
