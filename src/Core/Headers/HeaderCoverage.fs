namespace CellOS.Export.S3.Core

open System

/// Headers and the signature of a presigned URL, held against each other before anything is sent.
///
/// Rules that this module keeps (Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters"):
/// - a SigV4 signature covers the headers that it names: one of them that is not sent breaks it, and S3 answers 403 to
///   an `x-amz-*` header that it does not name. Other headers may go along unsigned;
/// - SigV2 covers all `x-amz-*` headers and names none, and a URL without a signature is a gateway's: both are let pass;
/// - a customer's key never goes in the clear;
/// - what was presigned is an upload of the whole object. S3 answers 200 to one part of an upload, too, and to tags and
///   access rights, and there is no object that holds the file.
[<RequireQualifiedAccess>]
module internal HeaderCoverage =

    let private refusal problem remedy = {
        Subject = "upload URL"
        Problem = problem
        Remedy = remedy
    }

    let private uncovered (names: string list) =
        match names with
        | [] -> []
        | names -> [
            refusal
                $"has a signature that does not cover {RequestHeader.shownNames names}: S3 answers 403 to that"
                "Ask the presigner to sign it (X-Amz-SignedHeaders), or do not set it."
          ]

    /// A presigner may have put a header into the query. Whether a store reads it from there is its own affair, and
    /// beside it the header is still one that is not signed.
    let private inQuery (names: string list) =
        match names with
        | [] -> []
        | names -> [
            refusal
                $"carries {RequestHeader.shownNames names} in its query, and its signature does not cover the header of this name: S3 answers 403 to both"
                "Ask the presigner to sign it as a header (SDKs call such headers unhoistable), or do not set it."
          ]

    /// A gateway may mean what it likes by its parameters: only what S3 signs is judged.
    let private otherOperation (query: SignedQuery) =
        match query.OtherOperation with
        | Some operation when query.Signature <> UrlSignature.Unsigned -> [
            refusal
                $"is presigned for {operation}, and not for an upload of the whole object"
                "Ask the presigner for a URL for PutObject: a receipt is for an object that holds the file and nothing else."
          ]
        | _ -> []

    let private inTheClear (url: RequestUrl) (headers: RequestHeader list) =
        if
            headers
            |> List.exists (fun header -> RequestHeader.key header = RequestHeader.CustomerKey)
            && RequestUrl.isPlaintext url
        then
            [
                refusal
                    $"is http, and {Check.quote RequestHeader.CustomerKey} would go over the network in the clear"
                    "Use https: S3 refuses a customer's key without it."
            ]
        else
            []

    /// Those `x-amz-*` headers that the signature does not cover, in lower case.
    let private unsigned (query: SignedQuery) (headers: RequestHeader list) =
        if query.Signature = UrlSignature.V4 then
            headers
            |> List.filter (fun header ->
                let name = RequestHeader.key header

                name.StartsWith("x-amz-", StringComparison.Ordinal)
                && not (SignedQuery.signs name query))
            |> List.map RequestHeader.key
        else
            []

    /// What was presigned, if that is no upload of the whole object: known before there is a request.
    let notAnUpload (url: RequestUrl) : Refusal option =
        otherOperation url.Query |> List.tryHead

    /// What keeps a request with these headers from being sent to the URL.
    let problems (url: RequestUrl) (headers: RequestHeader list) : Refusal list =
        let query = url.Query

        match otherOperation query, unsigned query headers, inTheClear url headers with
        | [], [], [] -> []
        | otherOperation, unsigned, inTheClear ->
            let hoisted, plain =
                unsigned |> List.partition (fun name -> (RequestUrl.parameter name url).IsSome)

            otherOperation @ uncovered plain @ inQuery hoisted @ inTheClear

    /// The headers that the signature covers and that neither the caller nor the sink supplies, in lower case. `host` and
    /// `content-length` come with every request, digests with those to a URL that signs them.
    let missing (url: RequestUrl) (headers: RequestHeader list) : string list =
        let isSupplied name =
            name = "host"
            || name = "content-length"
            || DigestPolicy.supplies headers url.Query.SignedHeaders name
            || headers |> List.exists (fun header -> RequestHeader.key header = name)

        url.Query.SignedHeaders |> List.filter (isSupplied >> not)

    /// How to supply headers that a signature covers (names in lower case), for a target of this name.
    let remedy (target: TargetName option) (names: string list) : string =
        let variable (stem: string) =
            match target with
            | Some target -> $" ({Variable.forTarget target stem}=1)"
            | None -> ""

        let ways =
            names
            |> List.map (fun name ->
                match name with
                | "content-type" -> "give it as ContentType (push --header)"
                | "if-none-match" -> $"set WriteOnce{variable Variable.WriteOnce}"
                | name when RequestHeader.isFree name ->
                    "get its value from the presigner, and give it to push --header (in code: Headers)"
                | _ -> "")
            |> List.filter (fun way -> way <> "")
            |> List.distinct

        String.Join(
            "; ",
            ways
            @ [
                if ways.IsEmpty then
                    "ask the presigner for a URL without it"
                else
                    "or ask the presigner for a URL without it"
            ]
        )

    /// The same as a sentence.
    let sentence (target: TargetName) (names: string list) : string =
        let remedy = remedy (Some target) names
        $"{Char.ToUpperInvariant remedy[0]}{remedy.Substring 1}."

    /// Returns why the headers of a request do not fit the signature of its URL, without a full stop; `None` if they do.
    let unfit (target: TargetName option) (url: RequestUrl) (headers: RequestHeader list) : string option =
        match problems url headers with
        | [] ->
            // Digests that are still to be taken are not missing.
            match missing url headers with
            | [] -> None
            | names ->
                Some
                    $"the signature covers a header that is not supplied ({RequestHeader.shownNames names}), so the server would refuse the request; {remedy target names}"
        | unfit -> Some((unfit |> List.map _.Message |> String.concat " ").TrimEnd '.')
