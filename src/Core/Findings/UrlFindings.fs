namespace CellOS.Export.S3.Core

open System

/// What a URL says of itself, held against what the spec says of its target.
///
/// Rules that this module keeps:
/// - a URL that does not tell gives no finding: hosts other than AWS's have ways of their own;
/// - no finding holds any part of a URL's query.
[<RequireQualifiedAccess>]
module internal UrlFindings =

    let private finding = AddressFindings.finding
    let private advice = AddressFindings.advice
    let private someCell = AddressFindings.someCell
    let private someArtifact = AddressFindings.someArtifact

    /// What the host or the port of a URL has against it.
    let private host context (url: RequestUrl) = [
        for defect in HostDefects.find url do
            finding
                (if defect.IsFatal then Severity.Error else Severity.Warning)
                FindingId.WrongHost
                context
                defect.What
                defect.Remedy
    ]

    let private plaintext context (url: RequestUrl) =
        if RequestUrl.isPlaintext url then
            advice
                FindingId.PlaintextTransport
                context
                "the URL is http: evidence and the URL itself travel in the clear"
                "Use https."
        else
            []

    /// A gateway may authorize by a segment of the path. On AWS's hosts the path is the key, and a signature authorizes a
    /// presigned URL.
    let private pathToken context (cell: string option) (artifact: string option) (url: RequestUrl) =
        let isOfKey (token: string) =
            [
                Some(Bucket.value context.Bucket)
                Some(KeyPrefix.value context.KeyPrefix)
                cell
                artifact
            ]
            |> List.choose id
            |> List.exists (fun name -> name.Split '/' |> Array.contains token)

        let path = RequestUrl.path url

        let tokens =
            if RequestUrl.isPresigned url || (S3Host.tryParse (RequestUrl.host url)).IsSome then
                []
            else
                PathTokens.ofPath path 0 path.Length |> List.filter (isOfKey >> not)

        if tokens.IsEmpty then
            []
        else
            advice
                FindingId.PathToken
                context
                "the path of the URL contains a long random segment, which looks like a token"
                "Treat the URL as a secret, or use a gateway that takes its token in the query."

    /// True if a presigned URL names a bucket and no object: S3 would create a bucket.
    let private isBareBucket context (url: RequestUrl) =
        let path = (RequestUrl.path url).Trim '/'

        RequestUrl.isPresigned url
        && (path = ""
            || match S3Host.tryParse (RequestUrl.host url) with
               | Some host -> host.Prefix.IsNone && not (path.Contains '/') && not (path.Contains "%2F")
               | None -> path = Bucket.value context.Bucket)

    let private bareBucket context =
        finding
            Severity.Error
            FindingId.MangledUrl
            context
            "the URL names a bucket and no object"
            "Copy the URL again with its whole path, or ask the presigner for one for the artifact's key (PutObject)."

    /// A placeholder with percent-encoded braces in a URL for one object, unless a name that belongs to the key contains
    /// the same text. `artifact`: `None` where it is not known.
    let private placeholder context (artifact: string option) (url: RequestUrl) = [
        match EncodedPlaceholder.find (RequestUrl.path url) with
        | None -> ()
        | Some placeholder ->
            let cell = context.CellId |> Option.map CellId.value

            let isUnknown =
                if placeholder = EncodedPlaceholder.CellId then cell.IsNone else artifact.IsNone

            let isOfKey =
                [
                    Some(Bucket.value context.Bucket)
                    Some(KeyPrefix.value context.KeyPrefix)
                    cell
                    artifact
                ]
                |> List.choose id
                |> List.exists (EncodedPlaceholder.isIn placeholder)

            if not isOfKey then
                finding
                    (if isUnknown && url.Query.CoversOneObject then
                         Severity.Warning
                     else
                         Severity.Error)
                    FindingId.MangledUrl
                    context
                    $"the URL {EncodedPlaceholder.problem placeholder}"
                    EncodedPlaceholder.remedyOfUrl
    ]

    /// What a URL lacks, or what altered it.
    let private defects severity inManifest bySiblings context (url: RequestUrl) = [
        for defect in UrlDefects.find inManifest bySiblings url do
            finding
                (if defect.IsFatal then severity else Severity.Warning)
                (if defect.IsIncomplete then
                     FindingId.IncompleteSignature
                 else
                     FindingId.MangledUrl)
                context
                defect.What
                defect.Remedy
    ]

    let private common context (url: RequestUrl) (inspected: PresignedUrl) = [
        yield! SignatureFindings.expiry context inspected
        yield! SignatureFindings.notYetValid context inspected
        yield! host context url
        yield! SignatureFindings.region context inspected
        yield! plaintext context url
        yield! SignatureFindings.checksum context inspected
        yield! SignatureFindings.signedHeaders context inspected
    ]

    /// True if nothing can be sent with a URL that expired at the moment: the clocks may differ by a quarter of an hour.
    let isPastUse context (at: DateTimeOffset) =
        (context.Now - at).Ticks > SignedQuery.allowedSkew.Ticks

    /// The finding of an expiry as an error, since nothing can be sent.
    let expiredForAll (finding: Finding) =
        if finding.Id = FindingId.UrlExpired then
            {
                finding with
                    Severity = Severity.Error
            }
        else
            finding

    /// The finding as a warning at most.
    let asWarning (finding: Finding) =
        if finding.Severity = Severity.Error then
            {
                finding with
                    Severity = Severity.Warning
            }
        else
            finding

    /// What is certain for one URL is not for a template: a gateway may sign anew.
    let private ofGateway (finding: Finding) =
        if finding.Id = FindingId.WrongHost then finding else asWarning finding

    /// Names that differ by case only.
    let caseTwins (target: TargetName option) (what: string) (first: string) (second: string) (more: int) =
        let others = if more = 0 then "" else $" (and {more} more pairs)"

        {
            Id = FindingId.CaseTwins
            Severity = Severity.Advice
            Target = target |> Option.map TargetName.value
            Variable = "artifacts"
            What = $"the {what} {Check.quote first} and {Check.quote second} differ by case only{others}"
            Remedy =
                "Check that both are meant: the store keeps two objects, and a file system that ignores case keeps one of them."
        }

    /// A manifest without a URL.
    let emptyManifest context =
        finding
            Severity.Error
            FindingId.EmptyManifest
            context
            "the manifest contains no URL, so nothing can be exported"
            "Ask the presigner for a manifest with a URL for each artifact."

    /// A manifest without a URL for some of the artifacts, and the entry that may be meant for one of them.
    let manifestLacks context (absent: ArtifactName list) (meant: (ArtifactName * string) option) =
        let names =
            absent |> List.truncate 3 |> List.map ArtifactName.quote |> String.concat ", "

        let more = if absent.Length > 3 then $" and {absent.Length - 3} more" else ""

        let hint =
            match meant with
            | Some(artifact, entry) ->
                $" The manifest has a URL for {Check.quote entry}: if it is meant for {ArtifactName.quote artifact}, correct the name there."
            | None -> ""

        finding
            Severity.Error
            FindingId.ManifestLacks
            context
            (match absent with
             | [ _ ] -> $"the manifest has no URL for the artifact {names}"
             | _ -> $"the manifest has no URL for the artifacts {names}{more}")
            $"Ask the presigner for the missing URLs.{hint}"

    /// A manifest with URLs for artifacts that are not exported: the first of their names, and how many there are.
    let manifestUnused context (first: string) (count: int) =
        let others = if count = 1 then "" else $" and {count - 1} more"

        finding
            Severity.Advice
            FindingId.ManifestUnused
            context
            $"the manifest has a URL for {Check.quote first}{others}, not exported by this command"
            "If that is evidence, check that the file was written and that the PATHs or the spec contain it."

    /// What the presigned URL of one artifact has against it. `isArtifact` is true for the names of the run's artifacts.
    let ofUrl
        (context: UrlContext)
        (isArtifact: string -> bool)
        (artifact: ArtifactName)
        (url: RequestUrl)
        : Finding list =
        let inspected = PresignedUrl.inspect url
        let cell = context.CellId |> Option.map CellId.value

        [
            yield! defects Severity.Error true false context url
            yield! common context url inspected
            yield! pathToken context cell (Some(ArtifactName.value artifact)) url
            yield! placeholder context (Some(ArtifactName.value artifact)) url

            if isBareBucket context url then
                yield bareBucket context
            else
                match
                    AddressFindings.address context cell (Some(ArtifactName.value artifact)) url inspected
                with
                | [] ->
                    yield! AddressFindings.plainlyOther context (ArtifactName.value artifact) isArtifact url
                | findings -> yield! findings
        ]

    let inline private orFail (result: Result<'a, Refusal>) =
        match result with
        | Ok value -> value
        | Error refusal -> invalidOp refusal.Message

    /// What a target's URL or template has against it. `artifacts` are those that the spec lists for it.
    let ofTemplate
        (context: UrlContext)
        (artifacts: ArtifactName list)
        (template: UrlTemplate)
        : Finding list =
        let namesArtifact = not (UrlTemplate.namesOneObject template)

        let cellText =
            match context.CellId with
            | Some cell -> Some(CellId.value cell)
            | None when UrlTemplate.namesCell template -> Some someCell
            | None -> None

        let artifactText =
            match artifacts with
            | _ when namesArtifact -> Some someArtifact
            | [ artifact ] -> Some(ArtifactName.value artifact)
            | _ -> None

        let url =
            UrlTemplate.render
                (cellText |> Option.defaultValue someCell |> CellId.create |> orFail)
                (ArtifactName.create someArtifact |> orFail)
                template

        let inspected = PresignedUrl.inspect url

        let isExact = UrlTemplate.isExact template

        [
            yield!
                defects (if isExact then Severity.Error else Severity.Warning) false (not isExact) context url

            yield!
                common context url inspected
                |> List.map (
                    match inspected.ExpiresAt with
                    | Some at when isExact && isPastUse context at -> expiredForAll
                    | _ when not isExact -> ofGateway
                    | _ -> id
                )

            yield! pathToken context cellText artifactText url

            if isExact then
                yield! placeholder context artifactText url

            if isExact && isBareBucket context url then
                yield bareBucket context
            else
                yield! AddressFindings.address context cellText artifactText url inspected

            if not namesArtifact && artifacts.Length > 1 then
                yield
                    finding
                        Severity.Error
                        FindingId.ExactUrlManyArtifacts
                        context
                        $"the URL names one object, and {artifacts.Length} artifacts are to go there: one would overwrite the other"
                        (let manifest = Variable.forTarget context.Name Variable.PresignedUrlsFile

                         // A signature fits one path.
                         if url.Query.CoversOneObject then
                             $"Give a manifest with a URL for each artifact ({manifest})."
                         else
                             $"Give a manifest ({manifest}), or a template with {UrlTemplate.ArtifactNamePlaceholder}.")

            if not isExact && url.Query.CoversOneObject then
                yield!
                    advice
                        FindingId.TemplateInSignedPath
                        context
                        "the URL has placeholders and a signature, which fits one path only: S3 itself will refuse every upload"
                        $"For S3, give a presigned URL for each artifact ({Variable.forTarget context.Name Variable.PresignedUrlsFile}); a gateway that signs by itself may not mind."
        ]
