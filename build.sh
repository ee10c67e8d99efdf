#!/usr/bin/env bash
# The one command of this repository. It needs the .NET SDK that global.json names, and sets up the rest.
set -euo pipefail

caller=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")"
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
configuration=Release

usage() {
  cat <<'TEXT'
usage: ./build.sh [COMMAND]

  build                 set up the tools and packages, build everything (the default)
  quickstart [--keep[=TIME]] [FOLDER]
                        export a folder to a small S3 on loopback, through a broker that has the keys, and read it
                        back; without FOLDER, an evidence bundle of its own. With --keep, leave the S3 and a broker
                        running for an hour, or for TIME (such as 30m), for experiments; it says how to stop them
                        with QUICKSTART_ENDPOINT, _REGION, _BUCKET, _ACCESS_KEY and _SECRET_KEY set, to that S3 instead
  test [ARGUMENT...]    build, run all test programs, the F# scripts of samples/ among them; arguments go to
                        each (--filter TEXT); FSCHECK_MAX_TEST=2000 makes more cases of each property
  test-native [ARGUMENT...]
                        make the native tool, and run the tests of the command line against it; Linux
  soak [COUNT [SEED]]   build, export COUNT artifacts (20,000), 16 at a time, while one attempt in ten meets a fault:
                        every result must be true, handles and memory must return to where they were; Linux
  bench [--quick] [ARGUMENT...]
                        build, measure the core's parts, then uploads against their peers (HttpClient, AWSSDK.S3, curl)
                        on loopback: a table, and obj/bench/uploads.json; some twenty minutes, or two with --quick.
                        Arguments other than --quick go to the latter (--only NAME, --rounds N, --json FILE)
  mutate [GLOB...]      break the C# of the library in small ways, one at a time, and see whether its tests notice
                        (Stryker): all of it, which takes hours, or the files that match ('**/PushDriver.cs')
  pack [VERSION [FOLDER]]
                        make the packages and their symbols, in artifacts/ or the FOLDER; VERSION is one of SemVer 2,
                        without it that of Directory.Build.props
  native [FOLDER]       make the native tool for this platform, which needs no .NET, with its debug file, and an archive
                        with manual page, licences and SHA-256, in artifacts/ or the FOLDER; Linux
  image [FOLDER]        make the native tool, and a container image with it and the libraries that it loads: an OCI archive,
                        in artifacts/ or the FOLDER; Linux, as root, with umoci
  release VERSION [--twice] [FOLDER]
                        from a clean commit whose CHANGELOG.md and Directory.Build.props have the VERSION: packages,
                        native tool, image, licences, SBOM (CycloneDX) and SHA256SUMS, in artifacts/VERSION/ or the
                        FOLDER; with --twice, make all of it again and compare each byte; Linux, as root, with umoci
  docs                  write docs/reference.md, and the pictures of docs/ that show what the programs print
  accept-api            write the public surface of the libraries into the files PublicAPI.*.txt, against which
                        tests/PublicApi.Tests holds it
  live [ARGUMENT...]    the tests against an S3 that is not ours: a throw-away Ceph on loopback (installed from
                        Debian's packages if it is missing, as root), or the one that LIVE_S3_ENDPOINT,
                        _REGION, _BUCKET, _ACCESS_KEY and _SECRET_KEY name
  format                format all sources (dotnet format, CSharpier, Fantomas)
  check-format          fail if a source is not formatted
  update                resolve the packages anew (after a change of paket.dependencies)
  audit                 ask this machine's package sources for advisories on the packages that ship; 2 if there is one
  clean                 remove what the other commands made
  help                  this text
TEXT
}

# shellcheck source=build/native.sh
. build/native.sh
# shellcheck source=build/image.sh
. build/image.sh
# shellcheck source=build/audit.sh
. build/audit.sh
# shellcheck source=build/release.sh
. build/release.sh

activity='the build'
say() {
  activity=$*
  printf '\n== %s\n' "$*" >&2
}

# COMMAND...: runs it, and reports every 20 s that it still runs: builds are silent for minutes. The reports end with
# this script, however it ends; what sleeps does not hold its output open.
lively() {
  local status=0 reports
  while sleep 20 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do
    printf '   %s s: %s …\n' "$SECONDS" "$activity" >&2
  done &
  reports=$!
  "$@" || status=$?
  kill "$reports" 2>/dev/null || true
  wait "$reports" 2>/dev/null || true
  return "$status"
}

# FILE COMMAND...: what the command writes goes to the file, and is shown if it fails.
logged() {
  local file=$1
  shift
  "$@" >"$file" 2>&1 || { cat "$file" >&2; return 1; }
}

die() {
  printf 'build.sh: %s\n' "$*" >&2
  exit 2
}

require_sdk() {
  command -v dotnet >/dev/null || die "dotnet is not on the PATH; install the .NET SDK $(sdk_version) or newer"
  dotnet --version >/dev/null 2>&1 || die "no .NET SDK that suits global.json; install $(sdk_version) or newer"
}

sdk_version() { sed -nE 's/.*"sdk".*"version": *"([^"]+)".*/\1/p' global.json; }

# Names and versions of paket.lock, a line each.
locked_packages() { sed -nE 's/^    ([A-Za-z][A-Za-z0-9._-]*) \(([^)]*)\).*/\1 \2/p' paket.lock | sort -u; }

# Paket's source is the folder .feed, so that no package host is named in any file. It is filled with the
# machine's own NuGet set-up: a generated project that downloads what paket.lock says, and nothing else.
fill_feed() {
  local stamp=.feed/.complete
  if [ -f "$stamp" ] && cmp -s paket.lock "$stamp"; then return; fi
  say "packages"
  mkdir -p obj/feed
  {
    echo '<Project Sdk="Microsoft.NET.Sdk">'
    echo '  <PropertyGroup><TargetFramework>net10.0</TargetFramework><NuGetAudit>false</NuGetAudit></PropertyGroup>'
    echo '  <ItemGroup>'
    locked_packages | awk '
      { versions[$1] = versions[$1] (versions[$1] == "" ? "" : ";") "[" $2 "]" }
      END { for (name in versions) printf "    <PackageDownload Include=\"%s\" Version=\"%s\" />\n", name, versions[name] }'
    echo '  </ItemGroup>'
    echo '</Project>'
  } >obj/feed/feed.csproj
  # The repository's own build files are not for this project.
  echo '<Project />' | tee obj/feed/Directory.Build.props >obj/feed/Directory.Build.targets
  lively dotnet restore obj/feed/feed.csproj --packages .feed --verbosity quiet
  cp paket.lock "$stamp"
}

restore() {
  require_sdk
  dotnet tool restore >obj/tools.log 2>&1 || { cat obj/tools.log >&2; die "the tools of .config/dotnet-tools.json could not be restored"; }
  fill_feed
  dotnet paket restore >obj/paket.log 2>&1 || { cat obj/paket.log >&2; die "paket restore failed"; }
}

# For what reads projects without building them.
restore_projects() { dotnet restore CellOS.Export.S3.sln --verbosity quiet -nologo; }

build() {
  restore
  say "build"
  lively dotnet build CellOS.Export.S3.sln --configuration "$configuration" --verbosity quiet -nologo
}

# Live.Tests wants an S3 that is not ours: `./build.sh live`.
test_programs() { ls -d tests/*.Tests | grep -v '^tests/Live.Tests$' | sort; }

passed=0 failed=0 skipped=0

# PROGRAM ARGUMENT...: runs a test program to its end, and adds up what it counted. obj/NAME.log has what it said.
run_program() {
  local program=$1 name log counts status=0 p i f e
  shift
  name=$(basename "$program")
  log=obj/${run_name:-$name}.log
  say "$name"
  # A test that somebody focused on keeps all others from running: main takes none.
  dotnet "$program/bin/$configuration/net10.0/$name.dll" "$@" ${CI:+--fail-on-focused-tests} 2>&1 | tee "$log" || status=$?
  counts=$(sed -nE 's/.* ([0-9,]+) passed, ([0-9,]+) ignored, ([0-9,]+) failed, ([0-9,]+) errored.*/\1 \2 \3 \4/p' "$log" | tail -n 1 | tr -d ,)
  read -r p i f e <<<"${counts:-0 0 0 0}"
  passed=$((passed + p)) skipped=$((skipped + i)) failed=$((failed + f + e))
  # A program that ended badly without counting a failure (it crashed), or ran nothing unasked, is one failure.
  if [ $((f + e)) -eq 0 ] && { [ "$status" -ne 0 ] || { [ $((p + i)) -eq 0 ] && [[ $* != *--filter* ]]; }; }; then
    printf 'build.sh: %s ended with status %s\n' "$name" "$status" >&2
    failed=$((failed + 1))
  fi
}

sum_up() {
  printf '\n%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

# All of them, even after a failure.
run_tests() {
  build
  local program
  rm -rf obj/results && mkdir -p obj/results
  for program in $(test_programs); do
    if [ $# -gt 0 ]; then
      run_program "$program" "$@"
    else
      TEST_RESULTS= run_program "$program" --junit-summary "$PWD/obj/results/$(basename "$program").xml"
    fi
  done
  # Only what ran holds a promise.
  [ $# -gt 0 ] || run_name=promises TEST_RESULTS=$PWD/obj/results run_program tests/Facade.Tests --filter "the promises"
  sum_up
}

# The AWS SDK for JavaScript, if there is a Node for it: what it presigns is a second opinion, and not needed to pass.
# No lock file, since that would name a package host.
get_node_sdk() {
  local folder=$PWD/obj/live-node
  command -v npm >/dev/null || return 0
  if [ ! -d "$folder/node_modules/@aws-sdk/s3-request-presigner" ]; then
    mkdir -p "$folder"
    echo '{ "private": true, "type": "module" }' >"$folder/package.json"
    (cd "$folder" && npm install --no-package-lock --no-audit --no-fund --loglevel=error \
      @aws-sdk/client-s3@3 @aws-sdk/s3-request-presigner@3) >obj/live-node.log 2>&1 || {
      say "the AWS SDK for JavaScript could not be had (obj/live-node.log): its tests are skipped"
      rm -rf "$folder/node_modules"
      return 0
    }
  fi
  cp tests/Live.Tests/presign.mjs "$folder"
  export LIVE_S3_NODE=$folder
}

# Also where this shell alone is terminated: its children first, then the store.
end_live() {
  local child
  for child in $(cat "/proc/$$/task/$$/children" 2>/dev/null); do kill "$child" 2>/dev/null || true; done
  [ "${RGW_FOLDER:-}" != "$PWD/obj/rgw" ] || tests/servers/rgw down
  rm -rf "$PWD/obj/live-tmp"
}

# The suite against an S3 of another house: the one that LIVE_S3_ENDPOINT names, or a throw-away Ceph.
run_live() {
  build
  # What an interrupted test does not remove, up to 1 GiB, is removed with this.
  export TMPDIR=$PWD/obj/live-tmp
  mkdir -p "$TMPDIR"
  trap end_live EXIT
  if [ -z "${LIVE_S3_ENDPOINT:-}" ]; then
    say "radosgw"
    export RGW_FOLDER=$PWD/obj/rgw
    tests/servers/rgw up >obj/live.env
    set -a
    # shellcheck disable=SC1091
    . obj/live.env
    set +a
    export LIVE_S3_CONTROL=$PWD/tests/servers/rgw
  fi
  get_node_sdk
  run_program tests/Live.Tests "$@"
  sum_up
}

# The folder is the caller's, wherever this script lies.
quickstart() {
  local keep=() program
  if [[ ${1-} == --keep* ]]; then
    keep=("$1")
    shift
  fi
  [ $# -le 1 ] || die "quickstart takes one folder at most"
  case ${1-} in
    "" | /* | -*) ;;
    *) set -- "$caller/$1" ;;
  esac
  restore
  activity='the build of the quickstart'
  program=samples/Quickstart/bin/$configuration/net10.0/Quickstart.dll
  lively logged obj/quickstart.log dotnet build samples/Quickstart --configuration "$configuration" --verbosity quiet -nologo ||
    die "the quickstart did not build"
  if [ ${#keep[@]} -gt 0 ]; then
    keep_quickstart "$program" "${keep[@]}" "$@"
  else
    dotnet "$program" "$@"
  fi
}

# PROGRAM ARGUMENT...: returns when the quickstart has run and its S3 is ready. The S3 goes on, and ends by itself.
keep_quickstart() {
  local file=${QUICKSTART_KEEP_FILE:-$PWD/obj/quickstart.env} log process
  log=${file%.env}.log
  if [ -e "$file" ]; then
    process=$(sed -nE 's/^QUICKSTART_PROCESS=([0-9]+)$/\1/p' "$file")
    ! kill -0 "$process" 2>/dev/null || die "an S3 is kept already; stop it with: kill $process"
    rm "$file"
  fi
  QUICKSTART_KEEP_FILE=$file dotnet "$@" >"$log" 2>&1 </dev/null &
  process=$!
  trap 'kill "$process" 2>/dev/null || true' INT TERM HUP
  while [ ! -e "$file" ] && kill -0 "$process" 2>/dev/null; do sleep 0.2; done
  trap - INT TERM HUP
  cat "$log"
  if [ ! -e "$file" ]; then wait "$process"; return; fi
  printf 'For a shell   . %s\n' "${file#"$PWD/"}"
}

soak() {
  # Before the build, which takes longer than reading this.
  local number
  [ $# -le 2 ] || die "soak takes COUNT and SEED, no more"
  for number in "$@"; do
    case $number in
      "" | *[!0-9]*) die "soak takes whole numbers, not '$number'" ;;
    esac
  done
  restore
  lively dotnet build tests/Soak --configuration "$configuration" --verbosity quiet -nologo
  dotnet "tests/Soak/bin/$configuration/net10.0/Soak.dll" "$@"
}

# What only the one of the two programs takes is not for the other.
bench() {
  local quick=() argument project
  for argument in "$@"; do
    if [ "$argument" = --quick ]; then quick=(--quick); fi
  done
  restore
  say "build"
  for project in src/Cli bench/Micro bench/Uploads; do
    lively dotnet build "$project" --configuration "$configuration" --verbosity quiet -nologo
  done
  say "Micro"
  dotnet "bench/Micro/bin/$configuration/net10.0/Micro.dll" ${quick[@]+"${quick[@]}"}
  say "Uploads"
  dotnet "bench/Uploads/bin/$configuration/net10.0/Uploads.dll" "$@"
}

# The version of the packages that are not told another.
own_version() { sed -nE 's#.*<Version>([^<]+)</Version>.*#\1#p' Directory.Build.props; }

# SemVer 2, without build metadata: NuGet leaves that out of file names, and takes versions that differ in it for one.
is_version() {
  local number='(0|[1-9][0-9]*)' word='(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)'
  [[ $1 =~ ^$number\.$number\.$number(-$word(\.$word)*)?$ ]]
}

# Packages and the native tool are built in a copy of their own, outside of the repository: so nothing of an earlier
# build is in them, no later build finds anything of theirs, and two may be made at once.
copy_folder=
remove_copy() { [ -z "$copy_folder" ] || rm -rf "$copy_folder"; }

# The F# compiler leaves room for the path of the symbols as it really is, though it writes another there: assemblies
# are the same only if built in folders of the same length. All are made so long.
copy_length=100

# Copies the sources into a folder of its own, $tree, with the packages set up. It is removed when this script ends.
copy_sources() {
  local file
  trap remove_copy EXIT
  copy_folder=$(mktemp -d)
  tree=$(cd "$copy_folder" && pwd -P)/
  while [ ${#tree} -lt $copy_length ]; do tree+=_; done
  find src build -type d \( -name bin -o -name obj \) -prune -o -type f -print | while IFS= read -r file; do
    mkdir -p "$tree/$(dirname "$file")"
    cp "$file" "$tree/$file"
  done
  cp -r .config .editorconfig .paket CHANGELOG.md Directory.Build.* LICENSE global.json paket.* "$tree"
  ln -s "$PWD/.feed" "$tree/.feed"
  (cd "$tree" && dotnet paket restore >paket.log 2>&1) || { cat "$tree/paket.log" >&2; die "paket restore failed"; }
}

# The commit, if the sources are those of one: of this repository, and not of one around it.
own_revision() {
  if [ -z "$(git rev-parse --show-cdup 2>&1)" ] && [ -z "$(git status --porcelain 2>&1)" ]; then
    git rev-parse HEAD
  fi
}

# FOLDER: where what is made goes. A relative path that the caller gave begins in the caller's folder.
output_folder() {
  case ${1-} in
    "") echo "$PWD/artifacts" ;;
    /*) echo "$1" ;;
    *) echo "$caller/$1" ;;
  esac
}

pack() {
  [ $# -le 2 ] || die "pack takes a version and a folder, no more"
  local version=${1:-$(own_version)} folder revision time
  is_version "$version" || die "'$version' is no version: give one of SemVer 2, such as 1.2.3 or 1.2.3-rc.1"
  folder=$(output_folder "${2-}")
  restore
  say "packages of version $version (built anew, which takes a minute or two)"
  copy_sources
  revision=$(own_revision)
  time=$(source_time)
  mkdir -p "$folder"
  (
    cd "$tree"
    {
      echo '<Solution>'
      grep -rl --include='*.*proj' 'Package\.props' src | sort | sed -E 's#.*#  <Project Path="&" />#'
      echo '</Solution>'
    } >packages.slnx
    lively dotnet pack packages.slnx --configuration Release --output made --verbosity quiet -nologo \
      -p:Version="$version" -p:SourceRevisionId="$revision" -p:EnableSourceControlManagerQueries=false \
      -p:ContinuousIntegrationBuild=true
    # NuGet writes the time of packing into each entry.
    dotnet run --project build/Release --configuration Release --verbosity quiet -- normalize made "$time"
  )
  # All of them or none.
  cp "$tree"/made/* "$folder"
  ls "$folder"/*."$version".*nupkg
}

accept_api() {
  restore
  lively dotnet build tests/PublicApi.Tests --configuration "$configuration" --verbosity quiet -nologo
  dotnet "tests/PublicApi.Tests/bin/$configuration/net10.0/PublicApi.Tests.dll" --accept
}

write_documents() {
  restore
  say "documents"
  lively dotnet build tests/Cli.Tests --configuration "$configuration" --verbosity quiet -nologo
  dotnet "tests/Cli.Tests/bin/$configuration/net10.0/Cli.Tests.dll" --write-documents
}

# In a copy, since Stryker puts mutated assemblies in place of the built ones. Its version is here and not among the
# tools of .config, which everybody restores.
stryker_version=5.1.0

mutate() {
  restore
  local home=$PWD/obj/mutate glob
  local tree=$home/tree tools=$home/stryker-$stryker_version
  if ! [ -x "$tools/dotnet-stryker" ]; then
    dotnet tool install dotnet-stryker --version "$stryker_version" --tool-path "$tools" >obj/tools.log 2>&1 ||
      { cat obj/tools.log >&2; die "Stryker could not be installed"; }
  fi
  rm -rf "$tree" && mkdir -p "$tree"
  git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
    if [ -e "$file" ]; then cp --parents "$file" "$tree"; fi
  done
  cp -r .feed .paket "$tree"
  local globs=()
  for glob in "$@"; do globs+=(--mutate "$glob"); done
  (
    cd "$tree"
    mkdir -p obj
    dotnet paket restore >obj/paket.log 2>&1 || { cat obj/paket.log >&2; die "paket restore failed"; }
    cd tests/Facade.Tests
    "$tools/dotnet-stryker" --skip-version-check --output "$home/report" ${globs[@]+"${globs[@]}"}
  )
}

# What .editorconfig says of C#; layout is CSharpier's. It sees no F# reference, so it is not asked for more than style.
format_style() { dotnet format style CellOS.Export.S3.sln --no-restore --severity warn --verbosity quiet "$@"; }

format() {
  restore
  restore_projects
  format_style
  dotnet fantomas src tests samples
  dotnet csharpier format src tests samples bench build
}

check_format() {
  restore
  restore_projects
  local status=0
  format_style --verify-no-changes || status=1
  dotnet fantomas --check src tests samples || status=1
  dotnet csharpier check src tests samples bench build || status=1
  [ "$status" -eq 0 ] || say "run ./build.sh format"
  return "$status"
}

# Resolves paket.dependencies. Packages come from .feed, so they have to be there first: a generated project asks
# for each direct one, and NuGet brings what it depends on. The lock may need several rounds to settle.
update() {
  require_sdk
  dotnet tool restore >obj/tools.log 2>&1 || { cat obj/tools.log >&2; die "the tools could not be restored"; }
  mkdir -p obj/update
  {
    echo '<Project Sdk="Microsoft.NET.Sdk">'
    echo '  <PropertyGroup><TargetFramework>net10.0</TargetFramework><NuGetAudit>false</NuGetAudit><!-- Paket also wants what the framework has. --><RestoreEnablePackagePruning>false</RestoreEnablePackagePruning></PropertyGroup>'
    echo '  <ItemGroup>'
    sed -nE 's/^ *nuget ([^ ]+) >= ([^ ]+).*/\1 \2/p' paket.dependencies | sort -u |
      while read -r name version; do echo "    <PackageReference Include=\"$name\" Version=\"$version\" />"; done
    echo '  </ItemGroup>'
    echo '</Project>'
  } >obj/update/update.csproj
  echo '<Project />' | tee obj/update/Directory.Build.props >obj/update/Directory.Build.targets
  rm -f .feed/.complete
  lively dotnet restore obj/update/update.csproj --packages .feed --verbosity quiet
  local round
  for round in 1 2 3 4 5 6; do
    cp paket.lock obj/paket.lock.before
    # A round may fail while the lock is not yet whole; the last one may not.
    dotnet paket update >obj/paket.log 2>&1 || [ "$round" -lt 6 ] || { cat obj/paket.log >&2; die "paket update failed"; }
    # Paket writes its import without the condition that lets a fresh clone say what to do.
    restore_import_conditions
    if cmp -s paket.lock obj/paket.lock.before; then break; fi
  done
  fill_feed
}

restore_import_conditions() {
  local project up
  git ls-files '*.fsproj' '*.csproj' | while read -r project; do
    up=$(dirname "$project" | sed -E 's#[^/]+#..#g')
    sed -i -E "s#<Import Project=\"[^\"]*Paket.Restore.targets\"[^>]*/>#<Import Project=\"$up/.paket/Paket.Restore.targets\" Condition=\"Exists('$up/.paket/Paket.Restore.targets')\" />#" "$project"
  done
}

clean() {
  rm -rf .feed .paket paket-files obj TestResults artifacts
  find src tests samples bench build -depth -type d \( -name bin -o -name obj \) -exec rm -rf {} +
}

command=${1:-build}
[ $# -eq 0 ] || shift
case $command in
  build | accept-api | docs | audit | format | check-format | update | clean | help) [ $# -eq 0 ] || die "$command takes no arguments" ;;
esac
mkdir -p obj
case $command in
  build) build ;;
  quickstart) quickstart "$@" ;;
  test) run_tests "$@" ;;
  soak) soak "$@" ;;
  bench) bench "$@" ;;
  mutate) mutate "$@" ;;
  pack) pack "$@" ;;
  native) native "$@" ;;
  image) image "$@" ;;
  release) release "$@" ;;
  test-native) test_native "$@" ;;
  accept-api) accept_api ;;
  docs) write_documents ;;
  audit)
    require_sdk
    audit
    ;;
  live) run_live "$@" ;;
  format) format ;;
  check-format) check_format ;;
  update) update ;;
  clean) clean ;;
  help | --help | -h) usage ;;
  *)
    printf 'build.sh: there is no command %s\n\n' "'$command'" >&2
    usage >&2
    exit 2
    ;;
esac
