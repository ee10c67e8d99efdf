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

    /// The name of a header, or `Size` for the element of a result document, by which a response says that it is not one to
    /// this upload: it comes from a cache, is a part, reports an error, a deletion or another length, or sends the client
    /// elsewhere.
    let find (value: string -> string option) (names: string seq) (size: string option) (sent: Sent option) =
        let has (name: string) (isMeant: string -> bool) =
            if value name |> Option.exists (fun text -> isMeant (text.Trim())) then
                Some name
            else
                None

        let isOtherLength (text: string) =
            match sent with
            | Some sent -> text <> string sent.Bytes
            | None -> false

        let isAny _ = true

        let isHit (text: string) =
            [ "HIT"; "STALE"; "REVALIDATED"; "UPDATING" ]
            |> List.exists (fun word -> text.Contains(word, StringComparison.OrdinalIgnoreCase))

        let isErrorOf (name: string) =
            let name = name.ToLowerInvariant()

            name.StartsWith("x-", StringComparison.Ordinal)
            && (name.EndsWith("-error-code", StringComparison.Ordinal)
                || name.EndsWith("-error-message", StringComparison.Ordinal)
                || name.StartsWith("x-goog-", StringComparison.Ordinal)
                   && name.EndsWith("-error", StringComparison.Ordinal)
                || name = "x-amzn-errortype")

        [
            has "age" (fun text -> text.Trim('0') <> "")
            for name in caches do
                has name isHit
            // RFC 9211, 2.1, and RFC 9209, 2.1.1.
            has "cache-status" (fun text -> hitInCache.IsMatch text)
            has "proxy-status" _.Contains("error=", StringComparison.OrdinalIgnoreCase)
            has "x-squid-error" isAny
            // RFC 7234, 5.5: a response from a cache.
            has "warning" _.StartsWith("11", StringComparison.Ordinal)
            has "content-range" isAny
            has "refresh" isAny
            has "www-authenticate" isAny
            has "x-amz-delete-marker" _.Equals("true", StringComparison.OrdinalIgnoreCase)
            has "x-goog-stored-content-length" isOtherLength
            has "x-amz-object-size" isOtherLength
            names |> Seq.tryFind isErrorOf |> Option.map _.ToLowerInvariant()
            size |> Option.filter isOtherLength |> Option.map (fun _ -> ResponseBody.Size)
        ]
        |> List.tryPick id
