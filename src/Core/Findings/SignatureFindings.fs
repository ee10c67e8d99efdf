namespace CellOS.Export.S3.Core

open System

/// What the signature of a URL says of its time, its region and what it covers, held against what a push sends.
[<RequireQualifiedAccess>]
module internal SignatureFindings =

    let private finding = AddressFindings.finding
    let private warning = AddressFindings.warning
    let private advice = AddressFindings.advice

    /// Less than this is soon.
    let private soon = TimeSpan.FromMinutes 15.

    let expiry context (url: PresignedUrl) =
        match url.ExpiresAt with
        | Some at when at.UtcTicks <= context.Now.UtcTicks ->
            warning
                FindingId.UrlExpired
                context
                $"the presigned URL expired at {TimeWords.moment at}, {TimeWords.span (context.Now - at)} ago"
                "Ask the presigner for a new URL that is valid until the export ends."
        | Some at when (at - context.Now).Ticks < soon.Ticks ->
            advice
                FindingId.UrlExpiresSoon
                context
                $"the presigned URL expires at {TimeWords.moment at}, in {TimeWords.span (at - context.Now)}"
                "Ask the presigner for a URL that is valid until the export ends."
        | _ -> []

    /// A signature of which the validity begins later. The clocks may differ by a quarter of an hour.
    let notYetValid context (url: PresignedUrl) =
        match url.SignedAt with
        | Some at when (at - context.Now).Ticks > SignedQuery.allowedSkew.Ticks -> [
            finding
                Severity.Error
                FindingId.UrlNotYetValid
                context
                $"the signature of the URL is valid from {TimeWords.moment at}, in {TimeWords.span (at - context.Now)}: a store refuses it before that"
                "Compare the clocks of this machine and of the presigner. If they are right, ask the presigner for a URL that is valid now."
          ]
        | _ -> []

    let region context (url: PresignedUrl) =
        let areOther (a: string) (b: string) =
            not (a.Equals(b, StringComparison.OrdinalIgnoreCase))

        match url.Region, url.ScopeRegion, context.Region with
        | Some host, Some scope, _ when areOther host scope ->
            List.singleton
            <| finding
                Severity.Error
                FindingId.RegionMismatch
                context
                $"the URL was signed for the region {Check.quoteWord scope}, and its host is in {Check.quote host}: S3 refuses it"
                "Ask the presigner for a URL for the bucket's region, with the endpoint of that region."
        | host, scope, Some meant ->
            match Option.orElse scope host with
            | Some told when areOther told meant ->
                warning
                    FindingId.RegionMismatch
                    context
                    $"the URL is for the region {Check.quoteWord told}, the configuration says {Check.quote meant}"
                    $"Correct the region in the configuration, or ask the presigner for a URL for {Check.quote meant}."
            | _ -> []
        | _ -> []

    let checksum context (url: PresignedUrl) =
        match url.EmptyChecksum with
        | Some name ->
            advice
                FindingId.BakedEmptyChecksum
                context
                $"the signed query holds '{name}' of an empty body, so the server will refuse every other one"
                "Ask the presigner to calculate checksums only when required (when_required), and for a new URL."
        | None -> []

    /// What the signature covers and no request brings along by itself.
    let signedHeaders context (url: PresignedUrl) =
        let needed = [
            for name in url.SignedHeaders do
                if
                    name <> "host"
                    && name <> "content-length"
                    && not (DigestPolicy.supplies [] url.SignedHeaders name)
                    && not (name = "if-none-match" && context.WriteOnce)
                then
                    name
        ]

        // A header that belongs to the connection, or that would make the request another one.
        match
            needed
            |> List.filter (RequestHeader.isFree >> not)
            |> List.filter (fun name -> name <> "if-none-match" && name <> "content-type")
        with
        | [] when needed.IsEmpty -> []
        | _ :: _ as impossible -> [
            finding
                Severity.Error
                FindingId.SignedHeaders
                context
                $"the signature covers {RequestHeader.shownNames impossible}, which no upload of this tool sends"
                "Ask the presigner for a URL without it."
          ]
        | [] ->
            advice
                FindingId.SignedHeaders
                context
                $"the signature covers {RequestHeader.shownNames needed}, which is not sent unless every artifact brings it along"
                (HeaderCoverage.sentence context.Name needed)
