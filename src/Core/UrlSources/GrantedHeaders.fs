namespace CellOS.Export.S3.Core

open System
open System.Collections.Generic
open FsToolkit.ErrorHandling

/// The headers that a source of URLs gave, held against what the upload carries anyway.
type internal GrantedHeaders = {
    /// Those that are sent besides the plan's own.
    Headers: RequestHeader list
    /// Digests that the content must have: the sink computes and sends them itself.
    Expected: Digest list
}

/// Checks the headers that come with a URL.
///
/// Rules that this module keeps:
/// - a presigner may list every header that it signed: one that the upload carries anyway counts as long as it says the
///   same;
/// - a digest that the signature covers is computed from the file and must be the same;
/// - all others are held to the rules for headers of a caller (`RequestHeader`);
/// - no message holds a value.
[<RequireQualifiedAccess>]
module internal GrantedHeaders =

    /// No headers.
    let none = { Headers = []; Expected = [] }

    let private otherValue (name: string) (owner: string) (remedy: string) = {
        Subject = $"header {Check.quoteWord name}"
        Problem = $"that came with the URL has another value than {owner}"
        Remedy = remedy
    }

    [<RequireQualifiedAccess>]
    type private Part =
        | Carried
        | Digest of Digest
        | ContentType of string
        | Other of KeyValuePair<string, string>
        | Wrong of Refusal

    let private compare (header: KeyValuePair<string, string>) (value: string) owner remedy =
        if header.Value.Trim().Equals(value, StringComparison.Ordinal) then
            Part.Carried
        else
            Part.Wrong(otherValue header.Key owner remedy)

    let private part
        (own: RequestHeader list)
        (url: RequestUrl)
        (length: int64)
        (header: KeyValuePair<string, string>)
        =
        let name = header.Key.ToLowerInvariant()
        let isSigned = SignedQuery.signs name url.Query

        let same = own |> List.tryFind (fun carried -> RequestHeader.key carried = name)

        match name, same, DigestAlgorithm.ofRequestHeader name with
        | _, Some carried, _ ->
            compare
                header
                (RequestHeader.reveal carried)
                "the upload carries"
                "Let the presigner sign the headers of the request as they are."
        | "host", None, _ ->
            compare
                header
                (RequestUrl.authority url)
                "the URL's host"
                "Let the presigner give the host of the URL, or leave the header out."
        | "content-length", None, _ ->
            compare
                header
                (Check.invariant $"{length}")
                "the file's length"
                "Let the presigner sign the contentLength of the request, or leave the header out."
        | _, None, Some algorithm when isSigned ->
            match Digest.tryParse algorithm header.Value with
            | Some digest -> Part.Digest digest
            | None ->
                Part.Wrong {
                    Subject = $"header {Check.quoteWord header.Key}"
                    Problem = $"that came with the URL is not a {algorithm.Title} in Base64"
                    Remedy = "Correct the presigner."
                }
        // Sent by itself beside the checksum that the signature covers.
        | DigestPolicy.SdkAlgorithm, None, _ when isSigned -> Part.Carried
        | "content-type", None, _ -> Part.ContentType header.Value
        | _ -> Part.Other header

    /// Returns what is sent, or all that is wrong with the headers.
    let fit
        (own: RequestHeader list)
        (length: int64)
        (grant: UrlGrant)
        : Validation<GrantedHeaders, Refusal> =
        match grant.Headers with
        | [] -> Ok none
        | given ->
            let parts = given |> List.map (part own grant.Url length)

            let wrong =
                parts
                |> List.choose (function
                    | Part.Wrong refusal -> Some refusal
                    | _ -> None)

            validation {
                let! headers =
                    parts
                    |> List.choose (function
                        | Part.Other header -> Some header
                        | _ -> None)
                    |> RequestHeaders.create

                and! contentType =
                    parts
                    |> List.choose (function
                        | Part.ContentType value -> Some value
                        | _ -> None)
                    |> List.tryHead
                    |> Option.traverseResult ContentType.create

                and! () = if wrong.IsEmpty then Ok() else Error wrong

                return {
                    Headers =
                        match contentType with
                        | Some value -> RequestHeader.trust "Content-Type" value :: headers
                        | None -> headers
                    Expected =
                        parts
                        |> List.choose (function
                            | Part.Digest digest -> Some digest
                            | _ -> None)
                }
            }
