namespace CellOS.Export.S3.Core

open System
open System.Buffers
open System.Globalization

/// Recognizes SigV4 URLs as SDKs write them, in which there is nothing to find fault with. They are nearly all that a program
/// gives, and looking for every defect costs more than the rest of an upload's decisions.
///
/// Rules that this module keeps:
/// - each parameter is known here, there is one of each, and its value is of the form that stores demand;
/// - any doubt is left to `UrlDefects`.
[<RequireQualifiedAccess>]
module internal UsualUrl =

    let private names = [|
        "X-Amz-Algorithm"
        "X-Amz-Credential"
        "X-Amz-Date"
        "X-Amz-Expires"
        "X-Amz-SignedHeaders"
        "X-Amz-Signature"
        "X-Amz-Security-Token"
        "x-id"
    |]

    /// The bits of the parameters that every URL has.
    [<Literal>]
    let private Required = 0b111111

    let private keyCharacters =
        SearchValues.Create "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

    /// The number that eight digits are; -1 for any other text.
    let private date (text: ReadOnlySpan<char>) =
        if text.Length = 8 && text.IndexOfAnyExceptInRange('0', '9') < 0 then
            Int32.Parse(text, provider = CultureInfo.InvariantCulture)
        else
            -1

    /// The date in a value of the form `KEYID/YYYYMMDD/REGION/SERVICE/aws4_request`, its slashes percent-encoded; -1 for any
    /// other value.
    let private dateOfCredential (value: ReadOnlySpan<char>) =
        let mutable count = 0
        let mutable first = 0
        let mutable day = -1
        let mutable isWhole = value.IndexOf '/' < 0

        while isWhole && first <= value.Length do
            let length =
                match value.Slice(first).IndexOf("%2F".AsSpan()) with
                | -1 -> value.Length - first
                | length -> length

            let part = value.Slice(first, length)
            count <- count + 1
            first <- first + length + 3
            isWhole <- not part.IsEmpty && part.IndexOf '%' < 0

            if count = 2 then
                day <- date part

        if isWhole && count = 5 && value.EndsWith("%2Fs3%2Faws4_request".AsSpan()) then
            day
        else
            -1

    /// True if the key of a credential was not replaced by a mask.
    let private isKey (credential: ReadOnlySpan<char>) =
        let key = credential.Slice(0, max 0 (credential.IndexOf("%2F".AsSpan())))

        key.IndexOfAnyExcept keyCharacters < 0
        && not (key.Contains("xxx".AsSpan(), StringComparison.OrdinalIgnoreCase))
        && not (key.Contains("redacted".AsSpan(), StringComparison.OrdinalIgnoreCase))
        && not (key.Contains("masked".AsSpan(), StringComparison.OrdinalIgnoreCase))

    let private isEncodedOnce (value: ReadOnlySpan<char>) =
        not value.IsEmpty
        && not (value.Contains("%25".AsSpan(), StringComparison.Ordinal))

    let private isOfForm (name: int) (value: ReadOnlySpan<char>) (query: SignedQuery) =
        match name with
        | 0 -> value.SequenceEqual "AWS4-HMAC-SHA256"
        | 1 -> isKey value // The rest is compared with the date.
        | 2 -> value.Length = 16 && query.SignedAt.IsSome
        | 3 -> value.Length <= 6 && query.ExpiresAt.IsSome
        | 4 -> isEncodedOnce value && List.contains "host" query.SignedHeaders
        | 5 -> value.Length = 64 && value.IndexOfAnyExcept("0123456789abcdef".AsSpan()) < 0
        | 6 -> isEncodedOnce value && value.IndexOfAny('*', '<') < 0 && value.Length > 20
        | _ -> value.SequenceEqual "PutObject"

    let private numberOf (name: ReadOnlySpan<char>) =
        let mutable found = -1

        for i in 0 .. names.Length - 1 do
            if name.SequenceEqual(names[i].AsSpan()) then
                found <- i

        found

    /// True if the URL is as SDKs write it, so that `UrlDefects` finds nothing.
    let test (url: RequestUrl) : bool =
        let text = url.Value
        let path = text.AsSpan(url.Authority.Stop, url.QueryFirst - url.Authority.Stop)
        let mutable seen = 0
        let mutable last = -1
        let mutable signedOn = -1
        let mutable scopedTo = -2
        let mutable isTemporary = false
        let mutable next = url.QueryFirst

        let mutable isUsual =
            url.Query.Signature = UrlSignature.V4 && path.IndexOfAny('%', '=') < 0

        while isUsual && next < text.Length do
            let parameter = QueryParameter.at text next
            let value = QueryParameter.value text parameter
            last <- numberOf (QueryParameter.name text parameter)
            next <- parameter.Stop + 1

            match last with
            | 1 ->
                scopedTo <- dateOfCredential value
                isTemporary <- value.StartsWith("ASIA".AsSpan(), StringComparison.Ordinal)
            | 2 when value.Length > 8 -> signedOn <- date (value.Slice(0, 8))
            | _ -> ()

            isUsual <- last >= 0 && seen &&& (1 <<< last) = 0 && isOfForm last value url.Query
            seen <- seen ||| (1 <<< last)

        // What was copied with a URL may have become the end of a value of any form.
        isUsual
        && seen &&& Required = Required
        && scopedTo = signedOn
        // A temporary key needs its token.
        && (not isTemporary || seen &&& (1 <<< 6) <> 0)
        && last <> 6
        && not (text.EndsWith '&')
