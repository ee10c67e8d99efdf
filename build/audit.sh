# shellcheck shell=bash
# What is known of faults in the packages that ship. Read by build.sh, whose functions it uses.

# Builds do not ask: their packages come from .feed, which has no advisories, and an advisory of today must not break the
# build of last year's commit. This asks the machine's own sources of packages, for the main group of paket.lock.
audit() {
  local folder=obj/audit name version found
  rm -rf "$folder" && mkdir -p "$folder"
  echo '<Project />' | tee "$folder/Directory.Build.props" >"$folder/Directory.Build.targets"
  {
    echo '<configuration><auditSources><clear />'
    dotnet nuget list source --format short | sed -nE 's#^E +(\S+)$#<add key="&" value="\1" />#p' |
      sed -E 's#key="E +#key="#'
    echo '</auditSources></configuration>'
  } >"$folder/nuget.config"
  {
    echo '<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>net10.0</TargetFramework>'
    echo '<NuGetAudit>true</NuGetAudit><NuGetAuditMode>all</NuGetAuditMode><NuGetAuditLevel>low</NuGetAuditLevel>'
    echo '<NoWarn>$(NoWarn);NU1510</NoWarn></PropertyGroup><ItemGroup>'
    sed -n '/^GROUP /q;p' paket.lock | sed -nE 's/^    ([A-Za-z][A-Za-z0-9._-]*) \(([^)]*)\).*/\1 \2/p' |
      while read -r name version; do echo "<PackageReference Include=\"$name\" Version=\"[$version]\" />"; done
    echo '</ItemGroup></Project>'
  } >"$folder/audit.csproj"
  dotnet restore "$folder/audit.csproj" --force >"$folder/audit.log" 2>&1 ||
    { cat "$folder/audit.log" >&2; die "the packages could not be restored for the audit"; }
  found=$(grep -oE 'NU190[1-4]: .*' "$folder/audit.log" | sed -E 's/ \[[^]]*\]$//' | sort -u) || true
  if [ -n "$found" ]; then
    printf '%s\n' "$found" >&2
    die "a package that ships has a known fault; raise its version in paket.dependencies, and run ./build.sh update"
  fi
  if grep -q 'NU190[05]' "$folder/audit.log"; then
    echo "build.sh: the package sources of this machine have no advisories, so nothing is known of the packages" >&2
  else
    echo "no advisory is known of the packages that ship"
  fi
}
