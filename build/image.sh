# shellcheck shell=bash
# The container image: the native tool, the libraries it loads, and nothing else. Read by build.sh.

image_user=65532

require_image() {
  command -v umoci >/dev/null ||
    die "umoci is not on the PATH to write the image; install it (on Debian: apt-get install umoci)"
  [ "$(id -u)" -eq 0 ] || die "image writes files of other users into the image; run it as root"
  [ -e /etc/ssl/certs/ca-certificates.crt ] ||
    die "there is no /etc/ssl/certs/ca-certificates.crt for the image; install the authorities (on Debian: apt-get install ca-certificates)"
  libssl=$(ldconfig -p | sed -nE 's/^\s*libssl\.so\.3 .*=> (.*)$/\1/p' | head -n 1)
  [ -n "$libssl" ] || die "there is no libssl.so.3 for the image; install OpenSSL 3 (on Debian: apt-get install libssl3)"
}

# FILE...: the libraries that these need, and what loads them, each as an absolute path.
libraries_of() {
  ldd "$@" | sed -nE 's/^\s*(\S+ => )?(\/\S+) \(0x.*/\2/p' | sort -u
}

# FILE FOLDER: copies a file to its place below a folder, links resolved, with what its Debian package says of itself.
put() {
  local package path
  mkdir -p "$2$(dirname "$1")"
  cp -L "$1" "$2$1"
  path=$(readlink -f "$1")
  # A package may name /lib, which is a link to /usr/lib.
  package=$({ dpkg -S "$path" || dpkg -S "${path#/usr}"; } 2>/dev/null | head -n 1 | cut -d: -f1) || true
  [ -z "$package" ] || describe_package "$package" "$2"
}

# PACKAGE FOLDER: the licence of a Debian package, and its name and version where scanners of images look for them.
describe_package() {
  if [ -e "/usr/share/doc/$1/copyright" ]; then
    mkdir -p "$2/usr/share/doc/$1"
    cp -L "/usr/share/doc/$1/copyright" "$2/usr/share/doc/$1/copyright"
  fi
  if dpkg-query -s "$1" >/dev/null 2>&1; then
    mkdir -p "$2/var/lib/dpkg/status.d"
    dpkg-query -s "$1" >"$2/var/lib/dpkg/status.d/$1"
  fi
}

# INSTALLATION ROOT: what the image has.
fill_image() {
  local file root=$2
  mkdir -p "$root/usr/bin" "$root/usr/share/doc" "$root/etc/ssl/certs" "$root/evidence"
  cp "$1/bin/cellos-export-s3" "$root/usr/bin/"
  cp -r "$1/share/doc/cellos-export-s3" "$root/usr/share/doc/"
  put "$libssl" "$root"
  libraries_of "$1/bin/cellos-export-s3" "$libssl" | while read -r file; do put "$file" "$root"; done
  cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  describe_package ca-certificates "$root"
  # Of what the packages are.
  [ ! -e /etc/os-release ] || cp -L /etc/os-release "$root/etc/os-release"
  printf 'root:x:0:0:root:/:/usr/sbin/nologin\ncellos:x:%s:%s:cellos:/evidence:/usr/sbin/nologin\n' \
    "$image_user" "$image_user" >"$root/etc/passwd"
  printf 'root:x:0:\ncellos:x:%s:\n' "$image_user" >"$root/etc/group"
  printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
  chmod -R u=rwX,go=rX "$root"
  find "$root" -exec touch -h -d "@$(source_time)" {} +
}

image() {
  [ $# -le 1 ] || die "image takes one folder at most"
  local folder name layout work created
  folder=$(output_folder "${1-}")
  require_image
  native "$folder"
  name=cellos-export-s3-$(own_version)-$(native_platform)
  say "image of $name"
  work=$tree/image
  layout=$work/layout
  created=$(date -u -d "@$(source_time)" +%Y-%m-%dT%H:%M:%SZ)
  mkdir -p "$work"
  umoci init --layout "$layout"
  umoci new --image "$layout:$(own_version)"
  umoci unpack --image "$layout:$(own_version)" "$work/bundle"
  fill_image "$tree/made/$name" "$work/bundle/rootfs"
  umoci repack --image "$layout:$(own_version)" --history.created "$created" --history.created_by "./build.sh image" \
    "$work/bundle"
  umoci config --image "$layout:$(own_version)" --created "$created" --history.created "$created" \
    --history.created_by "./build.sh image" --config.user "$image_user:$image_user" --config.workingdir /evidence \
    --config.entrypoint /usr/bin/cellos-export-s3 --config.cmd=--help \
    --config.label "org.opencontainers.image.title=cellos-export-s3" \
    --config.label "org.opencontainers.image.version=$(own_version)" \
    --config.label "org.opencontainers.image.licenses=MIT"
  umoci gc --layout "$layout"
  tar -C "$layout" --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mtime="@$(source_time)" \
    -cf "$folder/$name.oci.tar" .
  (cd "$folder" && sha256sum "$name.oci.tar" >"$name.oci.tar.sha256")
  ls -l "$folder/$name.oci.tar"
}
