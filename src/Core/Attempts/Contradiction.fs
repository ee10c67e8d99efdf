namespace CellOS.Export.S3.Core

open System
open System.Text.RegularExpressions

/// Finds what says that a response is not one to this upload.
[<RequireQualifiedAccess>]
module internal Contradiction =

    /// The headers in which caches say whether they had the response.
    let private caches = [
        "x-cache"
        "x-cache-status"
        "x-proxy-cache"
        "x-nginx-cache"
        "x-fastcgi-cache"
        "x-vercel-cache"
        "cdn-cache"
        "cf-cache-status"
    ]

    let private hitInCache =
        Regex(
            @";\s*hit\s*(?:=\s*\?1\s*)?(?:[;,]|$)",
            RegexOptions.IgnoreCase ||| RegexOptions.CultureInvariant
        )

    let private isOtherLength (sent: Sent option) (text: string) =
        match sent with
        | Some sent -> text <> string sent.Bytes
        | None -> false

    let private isHit (text: string) =
        [ "HIT"; "STALE"; "REVALIDATED"; "UPDATING" ]
        |> List.exists (fun word -> text.Contains(word, StringComparison.OrdinalIgnoreCase))

    /// Headers, and the values of each that contradict a success.
    let private headers: (string * (Sent option -> string -> bool)) list = [
        "age", (fun _ text -> text.Trim('0') <> "")
        for name in caches do
            name, (fun _ text -> isHit text)
        // RFC 9211, 2.1, and RFC 9209, 2.1.1.
        "cache-status", (fun _ text -> hitInCache.IsMatch text)
        "proxy-status", (fun _ text -> text.Contains("error=", StringComparison.OrdinalIgnoreCase))
        "x-squid-error", (fun _ _ -> true)
        // RFC 7234, 5.5: a response from a cache.
        "warning", (fun _ text -> text.StartsWith("11", StringComparison.Ordinal))
        "content-range", (fun _ _ -> true)
        "refresh", (fun _ _ -> true)
        "www-authenticate", (fun _ _ -> true)
        "x-amz-delete-marker", (fun _ text -> text.Equals("true", StringComparison.OrdinalIgnoreCase))
        "x-goog-stored-content-length", isOtherLength
        "x-amz-object-size", isOtherLength
    ]

    let private isErrorOf (name: string) =
        let ignoringCase = StringComparison.OrdinalIgnoreCase

        name.StartsWith("x-", ignoringCase)
        && (name.EndsWith("-error-code", ignoringCase)
            || name.EndsWith("-error-message", ignoringCase)
            || name.StartsWith("x-goog-", ignoringCase)
               && name.EndsWith("-error", ignoringCase)
            || name.Equals("x-amzn-errortype", ignoringCase))

    /// The name of a header, or `Size` for the element of a result document, by which a response says that it is not one to
    /// this upload: it comes from a cache, is a part, reports an error, a deletion or another length, or sends the client
    /// elsewhere.
    let find (value: string -> string option) (names: string seq) (size: string option) (sent: Sent option) =
        let contradicts (name: string, isMeant: Sent option -> string -> bool) =
            match value name with
            | Some text when isMeant sent (text.Trim()) -> Some name
            | _ -> None

        headers
        |> List.tryPick contradicts
        |> Option.orElseWith (fun () -> names |> Seq.tryFind isErrorOf |> Option.map _.ToLowerInvariant())
        |> Option.orElseWith (fun () ->
            match size with
            | Some text when isOtherLength sent text -> Some ResponseBody.Size
            | _ -> None)
