# shellcheck shell=bash disable=SC2034,SC2154 # read by images.sh
# busybox and nothing else: a shell, httpd, nc, wget, sleep. It declares nothing
# (no command, no port, no volume), so what a test sees is what the test said.
version=1

rootfs() {
  local root=$work/tiny busybox applet
  rm -rf "$root"
  mkdir -p "$root"/{bin,etc,tmp,var}
  chmod 1777 "$root/tmp"
  # The machine's own if it is a static one, else the package's, which takes
  # no root to fetch.
  busybox=$(command -v busybox || true)
  if [ -z "$busybox" ] || LC_ALL=C ldd "$busybox" >/dev/null 2>&1; then
    (cd "$work" && apt-get -qq download busybox-static && dpkg-deb -x busybox-static_*.deb "$work/busybox") >&2 || return 1
    # /bin or /usr/bin, as the release has it; a hook of that name lies elsewhere.
    busybox=$(find "$work/busybox" -path '*/bin/busybox' -type f)
  fi
  "$busybox" true || return 1
  cp "$busybox" "$root/bin/busybox"
  chmod 755 "$root/bin/busybox"
  for applet in $("$busybox" --list); do
    [ "$applet" = busybox ] || ln -sf busybox "$root/bin/$applet"
  done
  printf '%s\n' root:x:0:0:root:/:/bin/sh nobody:x:65534:65534:nobody:/:/bin/sh >"$root/etc/passwd"
  printf '%s\n' root:x:0: nogroup:x:65534: >"$root/etc/group"
  # The same bytes each time, whoever builds it.
  tar -C "$root" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -c .
}
