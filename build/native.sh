# shellcheck shell=bash
# The native tool: one file that needs no .NET. Read by build.sh, whose functions it uses.

# The packages that the tool ships, a name and a version each: those of the main group of paket.lock that
# src/Cli and the libraries below it refer to, with what they depend on. Without FsCheck's, which only its users have.
shipped_packages() {
  sed -n '/^GROUP /q;p' paket.lock | sed -nE 's/^    ([A-Za-z][A-Za-z0-9._-]*) \(([^)]*)\).*/\1 \2/p' |
    grep -v '^FsCheck ' | sort
}

notice_rule=$(printf '=%.0s' {1..80})

# The licence of a package of .feed, as its own file or by the name that it declares.
package_notice() {
  local name=$1 version=$2 folder nuspec file license holder
  folder=.feed/$(echo "$name" | tr '[:upper:]' '[:lower:]')/$version
  nuspec=$(find "$folder" -maxdepth 1 -name '*.nuspec' | head -n 1)
  [ -n "$nuspec" ] || die "$name $version is not in .feed; run ./build.sh clean, and this command again"
  license=$(sed -nE 's#.*<license type="expression">([^<]*)</license>.*#\1#p' "$nuspec")
  holder=$(sed -nE 's#.*<copyright>([^<]*)</copyright>.*#\1#p' "$nuspec")
  [ -n "$holder" ] || holder=$(sed -nE 's#.*<authors>([^<]*)</authors>.*#\1#p' "$nuspec")
  case $holder in ©* | Copyright*) ;; *) holder="Copyright (c) $holder" ;; esac
  printf '%s\n%s %s\n%s\n' "$notice_rule" "$name" "$version" "$holder"
  file=$(find "$folder" -maxdepth 1 -iname 'LICENSE*' | LC_ALL=C sort | head -n 1)
  if [ -n "$file" ]; then
    printf 'Licence: %s\n\n' "${license:-see below}"
    plain_text "$file"
  elif [ "$license" = MIT ]; then
    printf 'Licence: MIT\n\n'
    sed -n '/^Permission is hereby granted/,$p' LICENSE
  else
    die "$name $version has no licence that can be written into the notices ('$license'); add its text by hand"
  fi
  # What the package itself has from others. Those of .NET's own packages are the runtime's, which follow.
  file=$(find "$folder" -maxdepth 1 -iname 'THIRD-PARTY-NOTICES*' | head -n 1)
  case $name in Microsoft.Extensions.*) ;; *) [ -z "$file" ] || { echo && plain_text "$file"; } ;; esac
  echo
}

# A text without a byte order mark and carriage returns.
plain_text() { tr -d '\r' <"$1" | sed '1s/^\xef\xbb\xbf//'; }

# RUNTIME: writes the licences of all that is in the native tool: the packages, and the runtime, whose texts are in that
# folder.
third_party_notices() {
  local name version
  printf '%s\n\n' "cellos-export-s3 contains the software below, under the licence that is given for each."
  shipped_packages | while read -r name version; do package_notice "$name" "$version"; done
  printf '%s\n.NET runtime %s\n\n' "$notice_rule" "$(cat "$1/VERSION")"
  plain_text "$1/LICENSE.TXT"
  echo
  plain_text "$1/THIRD-PARTY-NOTICES.TXT"
}

# COMPILER: whether it links a program.
can_link() { echo 'int main(void) { return 0; }' | "$1" -x c - -o "/dev/null" -lm >/dev/null 2>&1; }

require_native() {
  [ "$(uname -s)" = Linux ] || die "native makes the tool for Linux, on Linux; elsewhere install the package (./build.sh pack)"
  native_compiler=$(command -v clang || command -v gcc) ||
    die "no C compiler is on the PATH to link the native tool; install gcc or clang (on Debian: apt-get install gcc libc6-dev)"
  can_link "$native_compiler" ||
    die "$native_compiler cannot link a program; install the C library's development files (on Debian: apt-get install libc6-dev)"
  command -v objcopy >/dev/null || command -v llvm-objcopy >/dev/null ||
    die "objcopy is not on the PATH to put debug information into a file of its own; install binutils (on Debian: apt-get install binutils)"
}

native_platform() {
  case $(uname -m) in
    x86_64) echo linux-x64 ;;
    aarch64) echo linux-arm64 ;;
    *) die "there is no native tool for $(uname -m); install the package (./build.sh pack)" ;;
  esac
}

# The time that files of an archive get, in seconds: that of the commit, or the one that the environment gives.
source_time() {
  if [ -n "${SOURCE_DATE_EPOCH:-}" ]; then
    echo "$SOURCE_DATE_EPOCH"
  else
    git log -1 --format=%ct 2>/dev/null || echo 0
  fi
}

# FOLDER FILE: an archive of the folder, the same for the same contents.
archive() {
  tar -C "$(dirname "$1")" --sort=name --format=ustar --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
    --mtime="@$(source_time)" -cf - "$(basename "$1")" | gzip -9 -n >"$2"
}

# PUBLISHED PLACE: the files of an installation, as `tar -xzf ARCHIVE --strip-components=1 -C /usr/local` puts them.
lay_out() {
  local tool=$1/cellos-export-s3 documents=$2/share/doc/cellos-export-s3
  mkdir -p "$2/bin" "$documents" "$2/share/man/man1" "$2/share/bash-completion/completions" \
    "$2/share/zsh/site-functions" "$2/share/fish/vendor_completions.d"
  cp "$tool" "$2/bin/"
  "$tool" manual | sed "1s/\"\"/\"$(date -u -d "@$(source_time)" +%Y-%m-%d)\"/" >"$2/share/man/man1/cellos-export-s3.1"
  "$tool" completion bash >"$2/share/bash-completion/completions/cellos-export-s3"
  "$tool" completion zsh >"$2/share/zsh/site-functions/_cellos-export-s3"
  "$tool" completion fish >"$2/share/fish/vendor_completions.d/cellos-export-s3.fish"
  cp LICENSE CHANGELOG.md "$documents/"
  third_party_notices "$1/runtime" >"$documents/THIRD-PARTY-NOTICES.txt"
}

native() {
  [ $# -le 1 ] || die "native takes one folder at most"
  local folder platform version name made revision
  folder=$(output_folder "${1-}")
  require_native
  platform=$(native_platform)
  restore
  version=$(own_version)
  name=cellos-export-s3-$version-$platform
  say "native tool of version $version for $platform (built anew, which takes some minutes)"
  copy_sources
  revision=$(own_revision)
  made=$tree/made
  (
    cd "$tree"
    lively dotnet publish src/Cli --configuration "$configuration" --runtime "$platform" --output made/publish \
      --verbosity quiet -nologo -p:PublishAot=true -p:CppCompilerAndLinker="$(basename "$native_compiler")" \
      -p:SourceRevisionId="$revision" -p:EnableSourceControlManagerQueries=false \
      -p:ContinuousIntegrationBuild=true
  )
  lay_out "$made/publish" "$made/$name"
  archive "$made/$name" "$made/$name.tar.gz"
  (cd "$made" && sha256sum "$name.tar.gz" >"$name.tar.gz.sha256")
  mkdir -p "$folder"
  cp "$made/publish/cellos-export-s3" "$made/publish/cellos-export-s3.dbg" "$made/$name.tar.gz" "$made/$name.tar.gz.sha256" "$folder"
  ls -l "$folder/cellos-export-s3" "$folder/cellos-export-s3.dbg" "$folder/$name.tar.gz" "$folder/$name.tar.gz.sha256"
}

# The tests of the tool, against the native one, its archive and, where it can be made, its image.
test_native() {
  rm -rf obj/native
  if command -v umoci >/dev/null && [ "$(id -u)" -eq 0 ]; then
    image "$PWD/obj/native"
  else
    native "$PWD/obj/native"
  fi
  say "build"
  lively dotnet build tests/Cli.Tests --configuration "$configuration" --verbosity quiet -nologo
  export CELLOS_TEST_TOOL=$PWD/obj/native/cellos-export-s3
  run_program tests/Cli.Tests "$@"
  sum_up
}
