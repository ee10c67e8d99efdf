namespace CellOS.Export.S3.Core

open System
open System.Globalization

/// What is known of a target when its URL is looked at.
type internal UrlContext = {
    Name: TargetName
    Bucket: Bucket
    KeyPrefix: KeyPrefix
    /// The region that a receipt would name.
    Region: string option
    /// The variable that the URL, or the manifest, came from.
    Variable: string
    /// The cell, where it is known already.
    CellId: CellId option
    /// Whether `If-None-Match` is sent.
    WriteOnce: bool
    /// Whether a presigned URL must be for the artifact's bucket and key.
    KeyCheck: bool
    Now: DateTimeOffset
}

/// What a URL says of itself, held against what the spec says of its target.
///
/// Rules that this module keeps:
/// - a URL that does not tell gives no finding: hosts other than AWS's have ways of their own;
/// - no finding holds any part of a URL's query.
[<RequireQualifiedAccess>]
module internal UrlFindings =

    /// Less than this is soon.
    let private soon = TimeSpan.FromMinutes 15.

    // Stand for names that are not known yet: they occur in no URL by accident.
    let private someCell = "cellos-cell-5b1f"
    let private someArtifact = "cellos-artifact-5b1f"

    /// A part of a URL with the placeholders again in which the names stood.
    let private withPlaceholders (text: string) =
        text
            .Replace(someCell, UrlTemplate.CellIdPlaceholder, StringComparison.Ordinal)
            .Replace(someArtifact, UrlTemplate.ArtifactNamePlaceholder, StringComparison.Ordinal)

    let private finding severity id context what remedy = {
        Id = id
        Severity = severity
        Target = Some(TargetName.value context.Name)
        Variable = context.Variable
        What = what
        Remedy = remedy
    }

    let private warning id context what remedy = [ finding Severity.Warning id context what remedy ]

    let private advice id context what remedy = [ finding Severity.Advice id context what remedy ]

    let moment (at: DateTimeOffset) =
        at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture)

    /// A span of time in words, to its two largest units: `2 d 3 h`, `4 min 5 s`.
    let inWords (span: TimeSpan) =
        let span = span.Duration()

        let number (count: int) (unit: string) =
            count.ToString CultureInfo.InvariantCulture + " " + unit

        let two large unit small smallUnit =
            if small = 0 then
                number large unit
            else
                number large unit + " " + number small smallUnit

        if span.Days > 0 then two span.Days "d" span.Hours "h"
        elif span.Hours > 0 then two span.Hours "h" span.Minutes "min"
        elif span.Minutes > 0 then two span.Minutes "min" span.Seconds "s"
        else number span.Seconds "s"

    let private expiry context (url: PresignedUrl) =
        match url.ExpiresAt with
        | Some at when at.UtcTicks <= context.Now.UtcTicks ->
            warning
                FindingId.UrlExpired
                context
                $"the presigned URL expired at {moment at}, {inWords (context.Now - at)} ago"
                "Give a fresh one, or presign for a longer time."
        | Some at when (at - context.Now).Ticks < soon.Ticks ->
            advice
                FindingId.UrlExpiresSoon
                context
                $"the presigned URL expires at {moment at}, in {inWords (at - context.Now)}"
                "Presign for longer than the exports take."
        | _ -> []

    let private otherBucket severity context (told: string) =
        finding
            severity
            FindingId.BucketMismatch
            context
            $"the URL is for the bucket {Check.quote (withPlaceholders told)}, the spec says {Check.quote (Bucket.value context.Bucket)}: receipts would name the wrong one"
            "Correct the bucket in the spec, or presign for the one that it names."

    let private otherKey severity context (told: string) (meant: string) =
        finding
            severity
            FindingId.KeyMismatch
            context
            $"the URL is for the object {Check.quote (withPlaceholders told)}, a receipt would say {Check.quote (withPlaceholders meant)}"
            $"Presign for that object, or correct keyPrefix in the spec, the cell id or the artifact's name. Where a gateway rewrites paths, set {Variable.forTarget context.Name Variable.KeyCheck}=off."

    let private bucket context (url: PresignedUrl) =
        match url.Bucket with
        | Some told when told <> Bucket.value context.Bucket -> [ otherBucket Severity.Warning context told ]
        | _ -> []

    let private region context (url: PresignedUrl) =
        match context.Region, url.Region |> Option.orElse url.ScopeRegion with
        | Some meant, Some told when not (meant.Equals(told, StringComparison.OrdinalIgnoreCase)) ->
            warning
                FindingId.RegionMismatch
                context
                $"the URL is for the region {Check.quote told}, the configuration says {Check.quote meant}"
                "Correct the region, or presign for the one that is meant."
        | _ -> []

    /// Whether a key is `[prefix/]cell/artifact`, where cell and artifact may be any if they are not known.
    let private fits (prefix: string) (cell: string option) (artifact: string option) (key: string) =
        let after (start: string) (text: string) =
            if text.StartsWith(start, StringComparison.Ordinal) then
                Some(text.Substring start.Length)
            else
                None

        let belowPrefix = if prefix = "" then Some key else after (prefix + "/") key

        let belowCell =
            belowPrefix
            |> Option.bind (fun rest ->
                match cell with
                | Some cell -> after (cell + "/") rest
                | None ->
                    match rest.IndexOf '/' with
                    | i when i > 0 -> Some(rest.Substring(i + 1))
                    | _ -> None)

        match belowCell, artifact with
        | Some rest, Some artifact -> rest = artifact
        | Some rest, None -> rest <> ""
        | None, _ -> false

    /// The key that is meant, with placeholders for names that are not known.
    let private meantKey context (cell: string option) (artifact: string option) =
        [
            match KeyPrefix.value context.KeyPrefix with
            | "" -> ()
            | prefix -> prefix

            match cell with
            | Some cell when cell <> someCell -> cell
            | _ -> UrlTemplate.CellIdPlaceholder

            match artifact with
            | Some artifact when artifact <> someArtifact -> artifact
            | _ -> UrlTemplate.ArtifactNamePlaceholder
        ]
        |> String.concat "/"

    let private key
        severity
        context
        (cell: string option)
        (artifact: string option)
        url
        (told: PresignedUrl)
        =
        let prefix = KeyPrefix.value context.KeyPrefix

        let folder cell =
            if prefix = "" then cell + "/" else $"{prefix}/{cell}/"

        match told.Key, cell with
        | Some key, _ when not (fits prefix cell artifact key) -> [
            otherKey Severity.Warning context key (meantKey context cell artifact)
          ]
        | None, Some cell when not (ObjectAddress.mayBeBelow context.Bucket (folder cell) url) -> [
            otherKey severity context (ObjectAddress.displayPath url) (meantKey context (Some cell) artifact)
          ]
        | _ -> []

    /// The key that a receipt would name, with the given names.
    let private keyOf context (cell: string) (artifact: string) : ObjectKey option =
        match CellId.create cell, ArtifactName.create artifact with
        | Ok cell, Ok artifact -> ObjectKey.create context.KeyPrefix cell artifact |> Result.toOption
        | _ -> None

    /// Compares the address of a presigned URL with the one that a receipt would name, on any host, where both names
    /// are known or stand in placeholders; otherwise as far as an AWS host tells it.
    let private address
        context
        (cell: string option)
        (artifact: string option)
        url
        (inspected: PresignedUrl)
        =
        let severity = if context.CellId.IsSome then Severity.Error else Severity.Warning

        let meant =
            match cell, artifact with
            | Some cell, Some artifact when RequestUrl.isPresigned url -> keyOf context cell artifact
            | _ -> None

        match meant with
        | _ when not context.KeyCheck -> []
        | None -> bucket context inspected @ key severity context cell artifact url inspected
        | Some meant ->
            match ObjectAddress.check context.Bucket meant url with
            | AddressCheck.Same
            | AddressCheck.Unknown -> []
            | AddressCheck.OtherBucket told -> [ otherBucket severity context told ]
            | AddressCheck.OtherKey told -> [ otherKey severity context told (ObjectKey.value meant) ]

    let private plaintext context (url: RequestUrl) =
        if RequestUrl.isPlaintext url then
            advice
                FindingId.PlaintextTransport
                context
                "the URL is http: evidence and the URL itself travel in the clear"
                "Use https."
        else
            []

    let private checksum context (url: PresignedUrl) =
        match url.EmptyChecksum with
        | Some name ->
            advice
                FindingId.BakedEmptyChecksum
                context
                $"the signed query holds '{name}' of an empty body, so the server will refuse every other one"
                "Tell the presigner to calculate checksums only when required (when_required)."
        | None -> []

    /// What the signature covers and no request brings along by itself.
    let private signedHeaders context (url: PresignedUrl) =
        let needed = [
            for name in url.SignedHeaders do
                if
                    name <> "host"
                    && name <> "content-length"
                    && name <> PresignedUrl.ContentMd5
                    && not (name = "if-none-match" && context.WriteOnce)
                then
                    name
        ]

        if needed.IsEmpty then
            []
        else
            advice
                FindingId.SignedHeaders
                context
                $"the signature covers {RequestHeader.shownNames needed}, which is not sent unless every artifact brings it along"
                (HeaderCoverage.sentence context.Name needed)

    let private common context (url: RequestUrl) (inspected: PresignedUrl) = [
        yield! expiry context inspected
        yield! region context inspected
        yield! plaintext context url
        yield! checksum context inspected
        yield! signedHeaders context inspected
    ]

    /// What the presigned URL of one artifact has against it.
    let ofUrl (context: UrlContext) (artifact: ArtifactName) (url: RequestUrl) : Finding list =
        let inspected = PresignedUrl.inspect url
        let cell = context.CellId |> Option.map CellId.value

        [
            yield! common context url inspected
            yield! address context cell (Some(ArtifactName.value artifact)) url inspected
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

        [
            yield! common context url inspected

            yield! address context cellText artifactText url inspected

            if not namesArtifact && artifacts.Length > 1 then
                yield
                    finding
                        Severity.Error
                        FindingId.ExactUrlManyArtifacts
                        context
                        $"the URL names one object, and {artifacts.Length} artifacts are to go there: one would overwrite the other"
                        $"Give a manifest ({Variable.forTarget context.Name Variable.PresignedUrlsFile}), or a template with {UrlTemplate.ArtifactNamePlaceholder}."

            if not (UrlTemplate.isExact template) && url.Query.CoversOneObject then
                yield!
                    advice
                        FindingId.TemplateInSignedPath
                        context
                        "the URL has placeholders and a signature, which fits one path only: S3 itself will refuse every upload"
                        $"For S3, give a presigned URL for each artifact ({Variable.forTarget context.Name Variable.PresignedUrlsFile}); a gateway that signs by itself may not mind."
        ]
