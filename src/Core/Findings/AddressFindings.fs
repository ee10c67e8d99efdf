namespace CellOS.Export.S3.Core

open System

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

/// Makes findings of a target's URL, and compares the address in the URL with the one that a receipt would name.
[<RequireQualifiedAccess>]
module internal AddressFindings =

    // Stand for names that are not known yet: they occur in no URL by accident.
    let someCell = "cellos-cell-5b1f"
    let someArtifact = "cellos-artifact-5b1f"

    /// A part of a URL with the placeholders again in which the names stood.
    let withPlaceholders (text: string) =
        text
            .Replace(someCell, UrlTemplate.CellIdPlaceholder, StringComparison.Ordinal)
            .Replace(someArtifact, UrlTemplate.ArtifactNamePlaceholder, StringComparison.Ordinal)

    let finding severity id context what remedy = {
        Id = id
        Severity = severity
        Target = Some(TargetName.value context.Name)
        Variable = context.Variable
        What = what
        Remedy = remedy
    }

    let warning id context what remedy = [ finding Severity.Warning id context what remedy ]

    let advice id context what remedy = [ finding Severity.Advice id context what remedy ]

    let private otherBucket severity context url (told: string) =
        let told = RequestUrl.withoutSignature url told

        finding
            severity
            FindingId.BucketMismatch
            context
            $"the URL is for the bucket {Check.quote (withPlaceholders told)}, the spec says {Check.quote (Bucket.value context.Bucket)}: receipts would name the wrong one"
            $"Correct the bucket in the spec, or ask the presigner for a URL for {Check.quote (Bucket.value context.Bucket)}."

    /// The key that is meant, for a sentence. Where a URL has no placeholder, one for any artifact would read as a name.
    let private shownKey (told: string) (meant: string) =
        let told, meant = withPlaceholders told, withPlaceholders meant
        let any = UrlTemplate.ArtifactNamePlaceholder

        if meant.EndsWith("/" + any, StringComparison.Ordinal) && not (told.Contains '{') then
            $"an object below {Check.quote (meant.Substring(0, meant.Length - any.Length))}"
        else
            Check.quote meant

    let private otherKey severity context url (told: string) (meant: string) =
        let told = RequestUrl.withoutSignature url told
        let meant = shownKey told meant

        finding
            severity
            FindingId.KeyMismatch
            context
            $"the URL is for the object {Check.quote (withPlaceholders told)}, and this export is for {meant}"
            (match UnfilledText.variableIn told with
             | Some variable ->
                 $"{Check.quote variable} looks like a variable that was not expanded. If you made the URL in a shell, put it in double quotes there. If not, ask the presigner for a URL for {meant}."
             | None ->
                 $"If the export is right, ask the presigner for a URL for its object. If the URL is right, correct keyPrefix in the spec, the cell id or the artifact's name. Only where a gateway rewrites paths, set {Variable.forTarget context.Name Variable.KeyCheck}=off.")

    let private bucket severity context url (inspected: PresignedUrl) =
        match inspected.Bucket with
        | Some told when told <> Bucket.value context.Bucket -> [ otherBucket severity context url told ]
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
        severityOnAws
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
            otherKey severityOnAws context url key (meantKey context cell artifact)
          ]
        | None, Some cell when not (ObjectAddress.mayBeBelow context.Bucket (folder cell) url) -> [
            otherKey
                severity
                context
                url
                (ObjectAddress.displayPath url)
                (meantKey context (Some cell) artifact)
          ]
        | _ -> []

    /// The key that a receipt would name, with the given names.
    let private keyOf context (cell: string) (artifact: string) : ObjectKey option =
        match CellId.create cell, ArtifactName.create artifact with
        | Ok cell, Ok artifact -> ObjectKey.create context.KeyPrefix cell artifact |> Result.toOption
        | _ -> None

    /// Compares the address of a presigned URL with the one that a receipt would name, on any host, where both names
    /// are known or stand in placeholders; otherwise as far as an AWS host tells it.
    let address context (cell: string option) (artifact: string option) url (inspected: PresignedUrl) =
        let severity = if context.CellId.IsSome then Severity.Error else Severity.Warning

        let meant =
            match cell, artifact with
            | Some cell, Some artifact when RequestUrl.isPresigned url -> keyOf context cell artifact
            | _ -> None

        match meant with
        | _ when not context.KeyCheck -> []
        | None ->
            // A push compares the address of a presigned URL; a gateway's own is not judged.
            let severityOnAws =
                if RequestUrl.isPresigned url then severity else Severity.Warning

            bucket severityOnAws context url inspected
            @ key severity severityOnAws context cell artifact url inspected
        | Some meant ->
            match ObjectAddress.check context.Bucket meant url with
            | AddressCheck.Same -> []
            | AddressCheck.Unknown ->
                advice
                    FindingId.DestinationUnchecked
                    context
                    $"the URL does not show that it is for the bucket {Check.quote (Bucket.value context.Bucket)}: receipts have destinationChecked false"
                    "Ask the presigner for a URL with the bucket in the host or in the path. If the store has none, make sure that the URL is for that bucket."
            | AddressCheck.OtherBucket told -> [ otherBucket severity context url told ]
            | AddressCheck.OtherKey told -> [ otherKey severity context url told (ObjectKey.value meant) ]

    /// The finding for a URL without a known signature whose path is plainly another artifact's, or another key of the bucket.
    let plainlyOther context (artifact: string) (isArtifact: string -> bool) url : Finding list =
        match context.CellId with
        | Some cell when context.KeyCheck ->
            let folder =
                match KeyPrefix.value context.KeyPrefix with
                | "" -> CellId.value cell + "/"
                | prefix -> $"{prefix}/{CellId.value cell}/"

            match ObjectAddress.plainlyOther (Bucket.value context.Bucket) folder artifact isArtifact url with
            | Some told -> [ otherKey Severity.Warning context url told (folder + artifact) ]
            | None -> []
        | _ -> []
