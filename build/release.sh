# shellcheck shell=bash
# A release: everything that is published, from one clean commit. Read by build.sh, whose functions it uses.

# VERSION: what keeps this commit from being released as that version. Nothing is made before this has passed.
require_release() {
  local version=$1 heading changed
  is_version "$version" || die "'$version' is no version: give one of SemVer 2, such as 1.2.3 or 1.2.3-rc.1"
  [ "$(own_version)" = "$version" ] ||
    die "Directory.Build.props has the version $(own_version); write $version there, commit, and try again"
  heading=$(grep -E "^## $(sed 's/[.]/\\./g' <<<"$version")( |$)" CHANGELOG.md) ||
    die "CHANGELOG.md has no section $version; rename 'Unreleased' to '$version - $(date -u +%Y-%m-%d)', commit, and try again"
  [[ $heading =~ \ -\ [0-9]{4}-[0-9]{2}-[0-9]{2}$ ]] ||
    die "the section '${heading#\#\# }' of CHANGELOG.md has no date; write '$version - $(date -u +%Y-%m-%d)', commit, and try again"
  [ -z "$(git rev-parse --show-cdup 2>&1)" ] || die "this is not a clone of the repository; release from a clone"
  changed=$(git status --porcelain | head -n 3)
  [ -z "$changed" ] || die "files differ from the commit; commit or remove them, and try again: ${changed//$'\n'/, }"
  require_native
  require_image
}

# VERSION FOLDER: makes all files of a release in an empty folder. Each part cleans up after itself.
make_release() {
  local version=$1 folder=$2
  (pack "$version" "$folder")
  (image "$folder")
  # Both are in the archive, and a file has one digest in one place.
  rm -f "$folder/cellos-export-s3" "$folder"/*.sha256
  mv "$folder/cellos-export-s3.dbg" "$folder/cellos-export-s3-$version-$(native_platform).dbg"
  tar -xzOf "$folder/cellos-export-s3-$version-$(native_platform).tar.gz" \
    "cellos-export-s3-$version-$(native_platform)/share/doc/cellos-export-s3/THIRD-PARTY-NOTICES.txt" \
    >"$folder/THIRD-PARTY-NOTICES.txt"
  dotnet run --project build/Release --configuration "$configuration" --verbosity quiet -- \
    sbom "$PWD" "$folder" "$version" "$(git rev-parse HEAD)" "$(source_time)"
  (cd "$folder" && find . -type f -printf '%f\n' | LC_ALL=C sort | xargs sha256sum >../SHA256SUMS)
  mv "$folder/../SHA256SUMS" "$folder/"
}

# FOLDER OTHER: fails if a file of one is missing in the other or has other bytes, and names each.
compare_releases() {
  local name status=0
  while read -r name; do
    if ! [ -e "$1/$name" ] || ! [ -e "$2/$name" ]; then
      printf 'build.sh: %s was made only once\n' "$name" >&2
      status=1
    elif ! cmp -s "$1/$name" "$2/$name"; then
      printf 'build.sh: %s differs\n' "$name" >&2
      status=1
    fi
  done < <({ ls "$1" && ls "$2"; } | LC_ALL=C sort -u)
  return "$status"
}

release() {
  local version='' twice='' place='' argument folder work
  for argument in "$@"; do
    case $argument in
      --twice) twice=yes ;;
      -*) die "release has no option $argument" ;;
      *) if [ -z "$version" ]; then version=$argument; elif [ -z "$place" ]; then place=$argument; else
        die "release takes a version and a folder, no more"
      fi ;;
    esac
  done
  [ -n "$version" ] || die "release takes a version: ./build.sh release $(own_version)"
  require_release "$version"
  folder=$(output_folder "${place:-$PWD/artifacts/$version}")
  [ -z "$(ls -A "$folder" 2>/dev/null)" ] || die "$folder is not empty; give a folder that is, or remove it"
  require_sdk
  audit
  work=$PWD/obj/release
  rm -rf "$work" && mkdir -p "$work/one/files" "$work/two/files"
  make_release "$version" "$work/one/files"
  if [ -n "$twice" ]; then
    say "once more, to compare"
    make_release "$version" "$work/two/files"
    compare_releases "$work/one/files" "$work/two/files" || die "the release is not reproducible; both are in $work"
  fi
  [ -z "$(git status --porcelain)" ] || die "files have changed while the release was made; try again"
  mkdir -p "$folder"
  cp "$work/one/files/"* "$folder"
  say "release $version of commit $(git rev-parse --short HEAD)${twice:+, made twice with the same bytes}: $folder"
  cat "$folder/SHA256SUMS"
}
