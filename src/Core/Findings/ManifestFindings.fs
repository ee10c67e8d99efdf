namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic

/// What a manifest has against it, and the first expiry of its URLs.
type internal ManifestLook = {
    Problems: string list
    Findings: Finding list
    FirstExpiry: DateTimeOffset option
}

/// The artifacts that a manifest is needed for.
type internal ManifestUse = {
    /// Those of this shard, if there are shards. Empty without shards means that they are not known.
    Artifacts: ArtifactName list
    /// True if other shards have artifacts, so that an empty list means that this shard has none.
    HasOtherShards: bool
    /// The shard; `None` for all artifacts.
    Shard: Shard option
}

/// Compares the URLs of a manifest with the artifacts of a target.
///
/// Rules that this module keeps:
/// - findings of one kind are one, with the first artifact and the number of the others;
/// - the URLs of artifacts that belong to other shards are not looked at;
/// - where the artifacts are known, an error is about one of them: a URL that is not used keeps nothing from being sent.
[<RequireQualifiedAccess>]
module internal ManifestFindings =

    /// What was found of one kind among a manifest's URLs: the first by the names of the artifacts, and how many there are.
    type private Found = {
        Artifact: string
        /// Where it was among the findings of its artifact.
        Rank: int
        First: Finding
        Count: int
    }

    /// Findings of one key are reported together. What was done to a URL has no name of an artifact in it.
    let private keyOf (finding: Finding) =
        match finding.Id with
        | FindingId.IncompleteSignature
        | FindingId.WrongHost
        | FindingId.MangledUrl -> struct (finding.Id + finding.Severity.Name, finding.What)
        | id -> struct (id + finding.Severity.Name, "")

    /// Adds an artifact's findings to what was found before, by their ids.
    let private gather
        (artifact: string)
        (found: Map<struct (string * string), Found>)
        (rank: int, finding: Finding)
        =
        let key = keyOf finding

        match Map.tryFind key found with
        | Some known when String.CompareOrdinal(known.Artifact, artifact) <= 0 ->
            found |> Map.add key { known with Count = known.Count + 1 }
        | known ->
            found
            |> Map.add key {
                Artifact = artifact
                Rank = rank
                First = finding
                Count = 1 + (known |> Option.map _.Count |> Option.defaultValue 0)
            }

    /// What was found of expiries as one, where all have expired: whether an artifact is listed makes no difference then.
    let private withOneExpiry (found: Map<struct (string * string), Found>) =
        let expired, others =
            found |> Map.partition (fun _ found -> found.First.Id = FindingId.UrlExpired)

        let first =
            expired.Values
            |> Seq.reduce (fun a b -> if String.CompareOrdinal(a.Artifact, b.Artifact) <= 0 then a else b)

        others
        |> Map.add (keyOf first.First) {
            first with
                Count = expired.Values |> Seq.sumBy _.Count
        }

    /// Of findings with one id, the first, and how many more there are.
    let private summary (found: Map<struct (string * string), Found>) =
        found.Values
        |> Seq.sortWith (fun a b ->
            match String.CompareOrdinal(a.Artifact, b.Artifact) with
            | 0 -> compare a.Rank b.Rank
            | order -> order)
        |> Seq.map (fun found ->
            let more =
                match found.Count - 1 with
                | 0 -> ""
                | more -> $" (and {more} more like it)"

            {
                found.First with
                    What = $"artifact {Check.quote found.Artifact}: {found.First.What}{more}"
            })
        |> List.ofSeq

    /// The problems and findings of a manifest.
    let look (context: UrlContext) (needed: ManifestUse) (manifest: UrlManifest) : ManifestLook =
        let artifacts = needed.Artifacts
        let areKnown = not artifacts.IsEmpty || needed.HasOtherShards

        let listed =
            HashSet(artifacts |> List.map ArtifactName.value, StringComparer.Ordinal)

        /// Folds over the entries of the shard.
        let fold folder state =
            match needed.Shard with
            | None -> UrlManifest.fold folder state manifest
            | Some shard ->
                let ofShard state artifact url =
                    if Shard.contains artifact shard then folder state artifact url else state

                UrlManifest.fold ofShard state manifest

        /// Where the artifacts are known, only their URLs keep anything from being sent.
        let forListed (artifact: string) url (finding: Finding) =
            if not areKnown then
                finding
            elif not (listed.Contains artifact) then
                UrlFindings.asWarning finding
            else
                match (PresignedUrl.inspect url).ExpiresAt with
                | Some at when UrlFindings.isPastUse context at -> UrlFindings.expiredForAll finding
                | _ -> finding

        let isArtifact (name: string) =
            listed.Contains name
            || match ArtifactName.create name with
               | Ok name -> (UrlManifest.tryFind name manifest).IsSome
               | Error _ -> false

        let add (found, expiries) artifact url =
            let artifactName = ArtifactName.value artifact

            let found =
                UrlFindings.ofUrl context isArtifact artifact url
                |> List.map (forListed artifactName url)
                |> List.indexed
                |> List.fold (gather artifactName) found

            match expiries, (PresignedUrl.inspect url).ExpiresAt with
            | Some(first, last), Some at -> found, Some(min first at, max last at)
            | None, Some at -> found, Some(at, at)
            | _, None -> found, expiries

        let found, expiries = fold add (Map.empty, None)
        let firstExpiry = expiries |> Option.map fst

        let isExpiryOfAll =
            let expired =
                found.Values
                |> Seq.filter (fun found -> found.First.Id = FindingId.UrlExpired)
                |> Seq.sumBy _.Count

            match expiries with
            | Some(_, last) when expired > 0 ->
                expired = fold (fun count _ _ -> count + 1) 0
                && UrlFindings.isPastUse context last
            | _ -> false

        let unused =
            let count (first, count) artifact _ =
                if listed.Contains(ArtifactName.value artifact) then
                    first, count
                else
                    first |> Option.orElse (Some(ArtifactName.value artifact)), count + 1

            match fold count (None, 0) with
            | Some first, count when areKnown -> Some(first, count)
            | _ -> None

        let absent = UrlManifest.absent manifest artifacts
        let lacksAll = absent.Length = artifacts.Length

        let lacking =
            if absent.IsEmpty then
                None
            else
                Some(UrlFindings.manifestLacks context absent (UrlManifest.meantFor manifest absent))

        let findings = [
            if UrlManifest.count manifest = 0 && not (artifacts.IsEmpty && areKnown) then
                UrlFindings.emptyManifest context

            if not lacksAll then
                yield! Option.toList lacking

            match unused with
            | Some(first, count) -> UrlFindings.manifestUnused context first count
            | None -> ()

            yield!
                summary (if isExpiryOfAll then withOneExpiry found else found)
                |> List.map (if isExpiryOfAll then UrlFindings.expiredForAll else id)

            match UrlManifest.caseTwins manifest with
            | [] -> ()
            | (first, second) :: more -> {
                UrlFindings.caseTwins (Some context.Name) "entries" first second more.Length with
                    Variable = context.Variable
              }
        ]

        {
            Problems = [
                match lacking with
                | Some finding when lacksAll -> $"{finding.What}. {finding.Remedy}"
                | _ -> ()
            ]
            Findings = findings
            FirstExpiry = firstExpiry
        }
